import { step } from '../base/events.ts'
import type { Context } from '../base/context.ts'
import type { ProjectOptions } from '../config/project.ts'
import { refuseForeign } from './ownership.ts'
import { refuseMissing } from './start.ts'
import { withCluster } from './with-cluster.ts'

export interface StopResult {
  readonly name: string
  /** Everything was stopped already. */
  readonly already: boolean
}

/**
 * Stops the nodes and the registry; everything is kept. Success also when they are stopped already.
 *
 * @example
 * await stopCluster({ name: 'dev' })
 */
export const stopCluster = (options: ProjectOptions, ctx: Context): Promise<StopResult> =>
  withCluster(options, ctx, async ({ target, runtime, survey }) => {
    const { name } = target
    refuseForeign(target, survey, 'choose another cluster with --name')
    refuseMissing(name, survey)
    const { container, nodes } = survey
    const already = nodes.every(({ running }) => !running) && container?.running !== true
    if (already) ctx.report({ kind: 'note', text: `cluster ${name} is stopped already` })
    else
      await step(ctx, `stopping cluster ${name}`, () =>
        Promise.all([runtime.stop(ctx, name), container?.running === true ? runtime.registry.stop(ctx, name) : undefined]),
      )
    return { name, already }
  })
