import { KsailError } from '../base/errors.ts'
import { step } from '../base/events.ts'
import type { Context } from '../base/context.ts'
import type { ProjectOptions } from '../config/project.ts'
import type { Wait } from '../distributions/distribution.ts'
import { followRegistry } from './follow.ts'
import { tellStep } from './tell.ts'
import { writeRecord } from '../providers/record.ts'
import { noCluster, refuseForeign, type Survey } from './ownership.ts'
import { lookAtCluster, withCluster } from './with-cluster.ts'

export interface StartOptions extends ProjectOptions {
  /** Says with which commands; starts nothing. */
  readonly dryRun?: boolean | undefined
}

export interface StartResult {
  readonly name: string
  readonly context: string
  readonly kubeconfig: string
  /** `localhost:5050`; undefined when the cluster has no registry beside it. */
  readonly registry: string | undefined
  /** Everything ran already. */
  readonly already: boolean
  /** Only with `dryRun`: what would run. */
  readonly commands?: readonly string[] | undefined
  readonly ms: number
}

/** Throws when there is nothing that could be started or stopped. */
export const refuseMissing = (name: string, { nodes, state }: Survey): void => {
  if (nodes.length === 0) throw noCluster(name)
  if (state === 'half-made')
    throw new KsailError('notReady', `cluster ${name} was never finished`, { hint: 'run ksail cluster create, which goes on where it was' })
}

/**
 * Starts the nodes, then the registry, and is done when both answer. Success also when they run already.
 *
 * @example
 * const { registry } = await startCluster({ name: 'dev' })
 */
export const startCluster = (options: StartOptions, ctx: Context): Promise<StartResult> =>
  (options.dryRun === true ? lookAtCluster : withCluster)(options, ctx, async ({ target, runtime, survey }) => {
    const start = ctx.now()
    const { name } = target
    refuseForeign(target, survey, 'choose another cluster with --name')
    refuseMissing(name, survey)
    const { container, record } = survey
    const already = survey.nodes.every(({ running, trouble }) => running && trouble === undefined) && container?.running !== false
    const left = (): Wait => ({ timeout: Math.max(1, target.timeout - (ctx.now() - start)) })
    if (options.dryRun === true) {
      const commands = [...(await runtime.preview.start(ctx, name)), ...(await runtime.registry.preview.start(ctx, name))]
      tellStep(ctx, { title: `cluster ${name}`, commands, already: commands.length === 0 })
      const address = container?.port === undefined ? undefined : `localhost:${container.port}`
      return { name, context: target.context, kubeconfig: target.kubeconfig, registry: address, already, commands, ms: ctx.now() - start }
    }
    // nodes first: a registry that comes before them may take the address that a node had
    if (!already) await step(ctx, `starting the ${runtime.nouns} of ${name}`, () => runtime.start(ctx, name, left()))
    if (container === undefined && record?.port !== undefined)
      ctx.report({ kind: 'warn', text: `the registry of ${name} is gone: ksail cluster create makes it again` })
    let [port] = await Promise.all([
      container === undefined
        ? undefined
        : step(ctx, `starting registry ${container.name}`, () => runtime.registry.start(ctx, name, left())),
      step(ctx, `waiting for the API server of ${name}`, () => runtime.ready(ctx, target, left())),
    ])
    if (port !== undefined && record?.port !== undefined && port !== record.port) {
      const moved = { ...record, port }
      if (target.registry === undefined)
        port = await step(ctx, `making ${name} find its registry on port ${port}`, () => followRegistry(ctx, target, runtime, moved))
      // last: until then the next start does it again
      await writeRecord(ctx, { ...moved, port })
    }
    const registry = port === undefined ? undefined : `localhost:${port}`
    // the nodes may have got other ports, and then the kubeconfig has to follow
    if (!already) await runtime.connect(ctx, target)
    return { name, context: target.context, kubeconfig: target.kubeconfig, registry, already, ms: ctx.now() - start }
  })
