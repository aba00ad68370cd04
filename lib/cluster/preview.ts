import type { Preview } from '../base/actions.ts'
import type { Context } from '../base/context.ts'
import type { EnsureBeside } from '../distributions/beside.ts'
import { withInput } from '../io/exec.ts'
import { manifestsOf, type Manifested } from './manifests.ts'

/** What previews are made of. */
export interface Previewed extends Manifested {
  /** The nodes exist and run. */
  readonly running: boolean
  /** Everything that create applies is in the cluster already. */
  readonly complete: boolean
  /** Takes over what others made. */
  readonly adopt: boolean
  /** What sending the first artifact would run. */
  readonly previewPush?: ((port: number | undefined) => Promise<Preview>) | undefined
}

/** One step of a plan that is only shown. */
export interface PlannedStep {
  readonly title: string
  /** As they could be pasted into a shell; none where nothing is left to do, or nothing is run. */
  readonly commands: readonly string[]
  /** Nothing is left to do. */
  readonly already: boolean
}

/** What each action of create would run. They are asked in the order of the plan: the registry's port is known to those after it. */
export interface Previews {
  registry(): Promise<Preview>
  nodes(): Promise<Preview>
  push(): Promise<Preview>
  links(index: number): Promise<Preview>
  install(): Promise<Preview>
  configure(): Promise<Preview>
  live(): Promise<Preview>
}

const HIDDEN = '{"auths":{"…":{"auth":"…"}}}'

/** The registry that a plan wants beside its cluster. */
export const besideOf = ({ target, record, adopt }: Pick<Previewed, 'target' | 'record' | 'adopt'>): EnsureBeside => ({
  cluster: target.name,
  owner: record,
  image: target.registryImage,
  port: target.registryPort,
  recorded: record.port,
  adopt,
  timeout: target.timeout,
})

export const previewsOf = (plan: Previewed, outcome: { port: number | undefined }): Previews => {
  const { ctx, target, runtime, engine, components } = plan
  const { preview } = runtime
  let sends = false
  const nodeNames = async (looking: Context): Promise<readonly string[]> =>
    plan.running ? (await runtime.nodes(looking, target.name)).map(({ name }) => name) : preview.names(looking, target)
  return {
    registry: async () => {
      const { port, commands } = await runtime.registry.preview.ensure(ctx, besideOf(plan))
      outcome.port = port
      return { commands }
    },
    nodes: async () => ({ commands: plan.running ? await preview.adopt(ctx, target) : await preview.make(ctx, target) }),
    push: async () => {
      const planned = (await plan.previewPush?.(outcome.port)) ?? { commands: [] }
      sends = planned.commands.length > 0
      return planned
    },
    links: async (index) => ({
      commands: (await runtime.registry.preview.links(ctx, target.name, outcome.port ?? 0, await nodeNames(ctx)))[index] ?? [],
    }),
    install: async () => ({
      says: runtime.controllers.as === 'pods' ? `in the profile ${target.fluxProfile}` : 'only the kinds: the controllers are processes',
      commands: [
        `${engine.controllers[runtime.controllers.as].shown(components)} | ${preview.apply(target, 'flux')}`,
        ...((await preview.controllers?.(ctx, target, components)) ?? []),
      ],
    }),
    configure: async () => {
      // what the cluster pulls with is nobody's to read
      const sync = plan.sync.pullSecret === undefined ? plan.sync : { ...plan.sync, pullSecret: HIDDEN }
      const port = target.registry === undefined ? outcome.port : undefined
      const { all } = await manifestsOf({ ...plan, sync }, port)
      return { commands: [withInput(preview.apply(target, 'ksail'), all)] }
    },
    live: async () => ({ commands: [], says: plan.complete && !sends ? undefined : 'would wait until the cluster runs it' }),
  }
}
