import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { deferred } from '../../base/deferred.ts'
import { KsailError } from '../../base/errors.ts'
import type { Context } from '../../base/context.ts'
import type { Target } from '../../base/target.ts'
import { hasEntry, removeContext, writeContext } from '../../io/kubeconfig.ts'
import { exists, makeFolder } from '../../io/files.ts'
import {
  accessOf,
  applyTo,
  beginWork,
  controlFacts,
  controlReady,
  controlState,
  ensureControl,
  ensureSimulated,
  ensureWork,
  logsOf,
  removeControl,
  stopControl,
} from '../../providers/host/control.ts'
import { patienceOf } from '../../providers/host/patience.ts'
import { SIMULATORS } from '../../providers/host/simulated.ts'
import { isComponent } from '../../providers/host/components.ts'
import { logOf } from '../../providers/host/process.ts'
import type { ApiAccess } from '../../providers/host/secrets.ts'
import type { Making, Node, Runtime, SavedLogs } from '../distribution.ts'
import { processRegistry } from '../process-registry.ts'
import { hostPreview } from './host-preview.ts'

const contextOf = (name: string): string => `ksail-${name}`

/** The processes of the control plane in the place of nodes: there are no machines. */
const nodes: Runtime['nodes'] = async (ctx, name) => {
  const facts = await controlFacts(ctx, name)
  if (facts === undefined) return []
  return (await controlState(ctx, name)).map(({ component, pid, trouble }): Node => ({
    // one id for all: a controller that comes later belongs to the same cluster
    id: facts.id,
    name: component,
    running: pid !== undefined,
    status: pid === undefined ? 'not running' : `running as process ${pid}${trouble === undefined ? '' : ', not ready'}`,
    trouble,
    created: facts.created,
  }))
}

const connect = async (ctx: Context, { kubeconfig, context }: Pick<Target, 'kubeconfig' | 'context'>, access: ApiAccess): Promise<void> => {
  ctx.secrets.add(access.token)
  const entry = { name: context, ...access }
  if (!(await hasEntry(kubeconfig, entry))) await writeContext(ctx, kubeconfig, entry)
}

/** How long what nobody waits for leaves the processors to what is waited for (ms). */
const HEAD_START = 3000

const run = (ctx: Context, target: Target, signal: AbortSignal, headStart = 0): Making => {
  const patience = patienceOf(ctx, target.timeout, signal)
  const api = deferred<ApiAccess>()
  const applied = deferred<void>()
  const begun: (() => Promise<void>)[] = []
  const work = async (): Promise<void> => {
    const access = await ensureControl(ctx, target.name, { workers: target.workers, profile: target.fluxProfile, ...patience })
    signal.throwIfAborted()
    api.resolve(access)
    await Promise.all([
      connect(ctx, target, access),
      (async () => {
        const more = await ensureSimulated(ctx, target.name, access, patience)
        if (headStart > 0 && more.length === 0) await Promise.race([applied.promise, ctx.sleep(headStart)])
        await ensureWork(ctx, target.name, ['kube-controller-manager', ...more], patience)
      })(),
    ])
  }
  const done = work()
  done.catch(api.reject)
  return {
    booted: Promise.resolve([]),
    done,
    apply: async (yaml, { manager }) => {
      const access = await api.promise
      signal.throwIfAborted()
      const earlier = begun.splice(0)
      // what is applied next is for the controllers that are starting: it need not wait for them, but it has failed when they do
      const [ready] = await Promise.all([
        applyTo(ctx, { name: target.name, access, manager, ...patience }, yaml),
        ...earlier.map((wait) => wait()),
      ])
      begun.push(ready)
      applied.resolve()
    },
  }
}

/** What was asked for and means nothing without nodes is said, not swallowed. */
const sayIgnored = (ctx: Context, { kubernetesVersion, nodeImage, controlPlanes = 1 }: Target): void => {
  const ignored = [
    ...(kubernetesVersion === undefined ? [] : ['the Kubernetes version, which is that of kube-apiserver']),
    ...(nodeImage === undefined ? [] : ['the node image']),
    ...(controlPlanes > 1 ? ['more than one control plane'] : []),
  ]
  if (ignored.length > 0) ctx.report({ kind: 'warn', text: `provider Host does not know: ${ignored.join(', ')}` })
}

const start: Runtime['start'] = async (ctx, name, { timeout }) => {
  const patience = patienceOf(ctx, timeout)
  await ensureControl(ctx, name, patience)
  await ensureWork(ctx, name, [], patience)
}

/** Vanilla Kubernetes without containers: its control plane and the Flux controllers as processes of this user. */
export const vanillaOnHost: Runtime = {
  summary: 'a control plane as processes of this user, without nodes',
  tools: ({ workers = 0 }) => [
    'etcd',
    'kube-apiserver',
    'kube-controller-manager',
    'registry',
    'kubectl',
    ...(workers > 0 ? SIMULATORS : []),
  ],
  registry: processRegistry,
  noun: 'process',
  nouns: 'processes',
  preview: hostPreview(contextOf),
  contextOf,
  nodes,
  make: (ctx, target, signal) => {
    sayIgnored(ctx, target)
    return run(ctx, target, signal, HEAD_START)
  },
  adopt: run,
  // the processes outlive the command, but none of them goes on making
  endMakers: async () => false,
  start,
  stop: stopControl,
  ready: (ctx, target, { timeout }) => controlReady(ctx, target.name, timeout),
  connect: async (ctx, target) => {
    const access = await accessOf(ctx, target.name)
    if (access === undefined)
      throw new KsailError('unreachable', `cluster ${target.name} has no API server yet`, { hint: 'run ksail cluster create' })
    await connect(ctx, target, access)
  },
  remove: async (ctx, name, kubeconfig) => {
    await removeControl(ctx, name)
    await removeContext(ctx, kubeconfig, contextOf(name))
  },
  controllers: {
    as: 'processes',
    run: async (ctx, name, names) => {
      const state = await controlState(ctx, name)
      return names.every((it) => state.some(({ component, pid }) => component === it && pid !== undefined))
    },
    start: async (ctx, name, names, { timeout }) => (await beginWork(ctx, name, names.filter(isComponent), patienceOf(ctx, timeout)))(),
  },
  saveLogs: async (ctx, name, folder) => {
    await makeFolder(folder)
    const saved: SavedLogs[number][] = []
    for (const { component, unit } of await logsOf(ctx, name)) {
      const [was, file] = [logOf(unit, component), join(folder, `${component}.log`)]
      if (!(await exists(was))) continue
      await copyFile(was, file)
      saved.push({ was, file })
    }
    return saved
  },
}
