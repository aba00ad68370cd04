import { ExecError } from '../base/errors.ts'
import type { Context } from '../base/context.ts'
import type { ExecOptions, ExecResult } from '../base/exec.ts'
import type { Tool } from '../base/tool.ts'

/** Locates the tool once and runs it; a complaint that its row knows becomes the row's code and hint. */
export const run = async (ctx: Context, tool: Tool, args: readonly string[], options?: ExecOptions): Promise<ExecResult> => {
  const file = await ctx.locate(tool)
  try {
    return await ctx.exec(file, args, options)
  } catch (error) {
    if (!(error instanceof ExecError) || error.code !== 'exec') throw error
    const text = `${error.result.stderr}\n${error.result.stdout}`
    const known = tool.failures?.find(({ match }) => match.test(text))
    if (known === undefined) throw error
    throw new ExecError(known.code, known.message ?? error.message, error.result, known.hint)
  }
}
