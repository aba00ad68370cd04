import type { Context } from '../base/context.ts'
import type { PlannedStep } from './preview.ts'

/** Tells a step and the commands that it would run. */
export const tellStep = (ctx: Context, { title, commands, already }: PlannedStep, says?: string): void => {
  ctx.report({ kind: 'note', text: `${title}${already ? ': already so' : says === undefined ? '' : ` (${says})`}` })
  for (const command of commands) ctx.report({ kind: 'note', text: `would run: ${command}` })
}
