import { step } from '../base/events.ts'
import type { Context } from '../base/context.ts'
import type { ProjectOptions } from '../config/project.ts'
import { refuseForeign } from './ownership.ts'
import { refuseMissing } from './start.ts'
import { tellStep } from './tell.ts'
import { lookAtCluster, withCluster } from './with-cluster.ts'

export interface StopOptions extends ProjectOptions {
  /** Says with which commands; stops nothing. */
  readonly dryRun?: boolean | undefined
}

export interface StopResult {
  readonly name: string
  /** Everything was stopped already. */
  readonly already: boolean
  /** Only with `dryRun`: what would run. */
  readonly commands?: readonly string[] | undefined
}

/**
 * Stops the nodes and the registry; everything is kept. Success also when they are stopped already.
 *
 * @example
 * await stopCluster({ name: 'dev' })
 */
export const stopCluster = (options: StopOptions, ctx: Context): Promise<StopResult> =>
  (options.dryRun === true ? lookAtCluster : withCluster)(options, ctx, async ({ target, runtime, survey }) => {
    const { name } = target
    refuseForeign(target, survey, 'choose another cluster with --name')
    refuseMissing(name, survey)
    const { container, nodes } = survey
    const already = nodes.every(({ running }) => !running) && container?.running !== true
    if (options.dryRun === true) {
      const commands = [...(await runtime.preview.stop(ctx, name)), ...(await runtime.registry.preview.stop(ctx, name))]
      tellStep(ctx, { title: `cluster ${name}`, commands, already: commands.length === 0 })
      return { name, already, commands }
    }
    if (already) ctx.report({ kind: 'note', text: `cluster ${name} is stopped already` })
    else
      await step(ctx, `stopping cluster ${name}`, () =>
        Promise.all([runtime.stop(ctx, name), container?.running === true ? runtime.registry.stop(ctx, name) : undefined]),
      )
    return { name, already }
  })
