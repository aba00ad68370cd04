import { createHash } from 'node:crypto'
import { stringify } from 'yaml'
import type { Action } from '../base/actions.ts'
import type { Context } from '../base/context.ts'
import { deferred } from '../base/deferred.ts'
import { isKsailError, type KsailError } from '../base/errors.ts'
import { registryName } from '../base/names.ts'
import type { Target } from '../base/target.ts'
import type { Making, Runtime } from '../distributions/distribution.ts'
import type { Engine } from '../engines/engine.ts'
import type { ClusterRecord } from '../providers/record.ts'
import { ownerNotice, registryNotice } from './notices.ts'

export interface Sync {
  /** The repository as the engine reads it, for example `oci://dev-local-registry:5000/k8s`, once the port of the local registry is known. */
  readonly url: (port: number | undefined) => string
  /** The repository for people. */
  readonly repository: string
  readonly insecure: boolean
  readonly tag: string
  /** A docker configuration as JSON that the cluster needs to read the repository. */
  readonly pullSecret?: string | undefined
}

export interface Plan {
  readonly ctx: Context
  readonly target: Target
  readonly record: ClusterRecord
  readonly runtime: Runtime
  readonly engine: Engine
  readonly sync: Sync
  /** The nodes exist and run. */
  readonly running: boolean
  /** Everything that create applies is in the cluster already. */
  readonly complete: boolean
  /** Everything that the nodes need to reach the registry is in place. */
  readonly linked: boolean
  /** A push follows at once, which sees to the artifact and waits for it itself. */
  readonly followed: boolean
  /** Names of the engine's controllers that the start folder needs. */
  readonly components: readonly string[]
  /** Sends the first artifact; called as soon as the registry answers. */
  readonly push: (port: number | undefined) => Promise<void>
  /** Called when the nodes that this run made are complete. */
  readonly whole: () => Promise<void>
  /** Waits until what was pushed is live; the digest. */
  readonly live: () => Promise<string | undefined>
  /** Takes over what others made. */
  readonly adopt: boolean
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

/** What create applies besides the controllers, as one text, and the fingerprint of all of it. */
export const manifestsOf = async (
  {
    ctx,
    target,
    record,
    engine,
    sync,
    components,
    runtime,
  }: Pick<Plan, 'ctx' | 'target' | 'record' | 'engine' | 'sync' | 'components' | 'runtime'>,
  port: number | undefined,
) => {
  const install = await engine.controllers[runtime.controllers.as].manifests(ctx, target, { components })
  const objects = await engine.sync(ctx, target, {
    ...sync,
    url: sync.url(port),
    pullSecret: sync.pullSecret === undefined ? undefined : 'ksail-registry-credentials',
  })
  const secret = sync.pullSecret === undefined ? '' : pullSecret(sync.pullSecret)
  const applied = createHash('sha256').update([install, objects, secret].join('\0')).digest('hex').slice(0, 16)
  const inside = runtime.registry.url(target.name, port).replace('oci://', '')
  const all = [secret, objects, port === undefined ? '' : registryNotice(port, inside), ownerNotice(record, applied)]
    .filter((text) => text.trim() !== '')
    .join('\n---\n')
  return { applied, all }
}

const pullSecret = (config: string): string =>
  stringify({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: 'ksail-registry-credentials',
      namespace: 'flux-system',
      labels: { 'app.kubernetes.io/managed-by': 'ksail', 'ksail.io/credentials': 'pull' },
    },
    type: 'kubernetes.io/dockerconfigjson',
    stringData: { '.dockerconfigjson': config },
  })

/** The graph of create. Titles are what people read; `outcome` collects what only doing it tells. */
export const planCreate = (plan: Plan): { readonly actions: readonly Action[]; readonly outcome: Outcome } => {
  const { ctx, target, record, runtime, engine } = plan
  const outcome: Outcome = { port: record.port, nodesMade: false, adopted: [], notLive: undefined, digest: undefined }
  const local = target.registry === undefined
  const making = deferred<Making>()
  const controllers = engine.controllers[runtime.controllers.as].manifests(ctx, target, { components: plan.components })
  controllers.catch(() => undefined)

  const registry: Action = {
    title: `registry ${registryName(target.name)}`,
    do: async (made) => {
      const ensured = await runtime.registry.ensure(
        ctx,
        {
          cluster: target.name,
          owner: record,
          image: target.registryImage,
          port: target.registryPort,
          recorded: record.port,
          adopt: plan.adopt,
        },
        made,
      )
      outcome.port = ensured.port
      outcome.adopted.push(...ensured.adopted)
    },
  }
  const nodes: Action = {
    title: plan.running ? `cluster ${target.name} is there` : `cluster ${target.name}`,
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
  const push: Action = { title: 'first artifact', after: local ? [registry.title] : [], do: () => plan.push(outcome.port) }
  const links = runtime.registry.links.map((link): Action => ({
    title: link.title,
    after: [registry.title],
    do: async () => {
      const names = await (await making.promise).booted
      await link.do(ctx, target.name, outcome.port as number, names)
    },
  }))
  const install: Action = {
    title: `${target.engine} controllers`,
    do: async () => {
      const [yaml, { apply }] = await Promise.all([controllers, making.promise])
      await apply(yaml, { manager: 'flux' })
    },
  }
  const configure: Action = {
    title: engine.follows ? `${target.engine} reads ${plan.sync.repository}` : 'notices in the cluster',
    after: [...(local ? [registry.title, ...links.map(({ title }) => title)] : []), ...(engine.follows ? [install.title] : [])],
    do: async () => {
      const [{ all }, { apply }] = await Promise.all([manifestsOf(plan, local ? outcome.port : undefined), making.promise])
      await apply(all, { manager: 'ksail' })
    },
  }
  const live: Action = {
    title: 'first artifact live',
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
    ...(!followed && (engine.follows || local) ? [push] : []),
    ...(local && !plan.linked ? links : []),
    ...(plan.complete ? [] : [...(engine.follows ? [install] : []), configure]),
    ...(!followed && engine.follows ? [live] : []),
  ]
  return { actions, outcome }
}
