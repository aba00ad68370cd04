import type { Action } from '../base/actions.ts'
import { deferred } from '../base/deferred.ts'
import { isKsailError, type KsailError } from '../base/errors.ts'
import { registryName } from '../base/names.ts'
import type { Making } from '../distributions/distribution.ts'
import { manifestsOf } from './manifests.ts'
import { besideOf, previewsOf, type Previewed } from './preview.ts'

export interface Plan extends Previewed {
  /** Everything that the nodes need to reach the registry is in place. */
  readonly linked: boolean
  /** The port of the registry is somebody else's choice. */
  readonly wanders: boolean
  /** A push follows at once, which sees to the artifact and waits for it itself. */
  readonly followed: boolean
  /** Sends the first artifact; called as soon as the registry answers. */
  readonly push: (port: number | undefined) => Promise<void>
  /** Called when the nodes that this run made are complete. */
  readonly whole: () => Promise<void>
  /** Waits until what was pushed is live; the digest. */
  readonly live: () => Promise<string | undefined>
}

export interface Outcome {
  port: number | undefined
  nodesMade: boolean
  /** Ids and names of what was taken over, for the record. */
  readonly adopted: string[]
  /** Why the first artifact is not live. The cluster is whole all the same, and so it stays. */
  notLive: KsailError | undefined
  digest: string | undefined
}

/** The graph of create. Titles are what people read; `outcome` collects what only doing it tells. */
export const planCreate = (plan: Plan): { readonly actions: readonly Action[]; readonly outcome: Outcome } => {
  const { ctx, target, record, runtime, engine } = plan
  const outcome: Outcome = { port: record.port, nodesMade: false, adopted: [], notLive: undefined, digest: undefined }
  const local = target.registry === undefined
  const making = deferred<Making>()
  const controllers = engine.controllers[runtime.controllers.as].manifests(ctx, target, { components: plan.components })
  controllers.catch(() => undefined)

  const previews = previewsOf(plan, outcome)

  const registry: Action = {
    title: `registry ${registryName(target.name)}`,
    preview: previews.registry,
    do: async (made) => {
      const ensured = await runtime.registry.ensure(ctx, besideOf(plan), made)
      outcome.port = ensured.port
      outcome.adopted.push(...ensured.adopted)
    },
  }
  const nodes: Action = {
    title: plan.running ? `cluster ${target.name} is there` : `cluster ${target.name}`,
    preview: previews.nodes,
    do: async (made, signal) => {
      if (!plan.running) {
        outcome.nodesMade = true
        made(() => runtime.remove(ctx.cleanup(), target.name, target.kubeconfig))
      }
      const work = plan.running ? runtime.adopt(ctx, target, signal) : runtime.make(ctx, target, signal)
      making.resolve(work)
      await work.done
      if (!plan.running) await plan.whole()
    },
  }
  // a port that wanders is known for good only when the first link is made
  const [firstLink] = runtime.registry.links
  const settled = plan.wanders && !plan.linked && firstLink !== undefined ? [firstLink.title] : []
  const push: Action = {
    title: 'first artifact',
    after: local ? [registry.title, ...settled] : [],
    preview: previews.push,
    do: () => plan.push(outcome.port),
  }
  const links = runtime.registry.links.map((link, index): Action => ({
    title: link.title,
    preview: () => previews.links(index),
    after: [registry.title, ...(index > 0 ? settled : [])],
    do: async () => {
      const names = await (await making.promise).booted
      outcome.port = (await link.do(ctx, target.name, outcome.port as number, names)) ?? outcome.port
    },
  }))
  const install: Action = {
    title: `${target.engine} controllers`,
    preview: previews.install,
    do: async () => {
      const [yaml, { apply }] = await Promise.all([controllers, making.promise])
      await apply(yaml, { manager: 'flux' })
    },
  }
  const configure: Action = {
    title: engine.follows ? `${target.engine} reads ${plan.sync.repository}` : 'notices in the cluster',
    preview: previews.configure,
    after: [...(local ? [registry.title, ...links.map(({ title }) => title)] : []), ...(engine.follows ? [install.title] : [])],
    do: async () => {
      const [{ all }, { apply }] = await Promise.all([manifestsOf(plan, local ? outcome.port : undefined), making.promise])
      await apply(all, { manager: 'ksail' })
    },
  }
  const live: Action = {
    title: 'first artifact live',
    preview: previews.live,
    after: [push.title, nodes.title, ...(plan.complete ? [] : [configure.title])],
    do: async () => {
      try {
        outcome.digest = await plan.live()
      } catch (error) {
        if (!isKsailError(error, 'notReady', 'timeout', 'conflict') || ctx.signal.aborted) throw error
        outcome.notLive = error
      }
    },
  }
  // making never settles when the nodes fail before they are asked for: those who wait for it must fail with them
  const guarded: Action = {
    ...nodes,
    do: (made, signal) =>
      nodes.do(made, signal).catch((error: unknown) => {
        making.reject(error)
        throw error
      }),
  }
  const followed = plan.complete && plan.followed
  const actions = [
    ...(local ? [registry] : []),
    guarded,
    ...(local && !plan.linked ? links : []),
    ...(!followed && (engine.follows || local) ? [push] : []),
    ...(plan.complete ? [] : [...(engine.follows ? [install] : []), configure]),
    ...(!followed && engine.follows ? [live] : []),
  ]
  return { actions, outcome }
}
