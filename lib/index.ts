import type { Context } from './base/context.ts'
import { clusterInfo as clusterInfoVerb } from './cluster/info.ts'
import { createCluster as createClusterVerb } from './cluster/create.ts'
import { deleteCluster as deleteClusterVerb } from './cluster/delete.ts'
import { down as downVerb } from './cluster/down.ts'
import { initProject as initProjectVerb } from './cluster/init.ts'
import { listClusters as listClustersVerb } from './cluster/list.ts'
import { startCluster as startClusterVerb } from './cluster/start.ts'
import { stopCluster as stopClusterVerb } from './cluster/stop.ts'
import { up as upVerb } from './cluster/up.ts'
import { createContext } from './context.ts'
import { promote as promoteVerb } from './workload/promote.ts'
import { push as pushVerb } from './workload/push.ts'
import { reconcile as reconcileVerb } from './workload/reconcile.ts'

/** Options may be left out, and of the context only what differs is given: without one a verb is silent and stands on this process. */
const verb =
  <O extends object, R>(run: (options: O, ctx: Context) => Promise<R>) =>
  (options: O = {} as O, context: Partial<Context> = {}): Promise<R> =>
    run(options, createContext(context))

/**
 * Writes the files of a project: ksail.yaml, kind.yaml, k8s/, flux/. Keeps those that exist.
 *
 * @example
 * const { files } = await initProject({ name: 'dev', engine: 'Flux' })
 */
export const initProject = verb(initProjectVerb)

/**
 * Makes the cluster, the registry beside it and the engine; done when the first artifact is live.
 *
 * @example
 * const { context, registry } = await createCluster({ name: 'dev', engine: 'Flux' })
 */
export const createCluster = verb(createClusterVerb)

/**
 * Removes the cluster and what belongs to it, and nothing else.
 *
 * @example
 * const { removed } = await deleteCluster({ name: 'dev' })
 */
export const deleteCluster = verb(deleteClusterVerb)

/**
 * Starts the nodes and the registry of a stopped cluster.
 *
 * @example
 * await startCluster({ name: 'dev' })
 */
export const startCluster = verb(startClusterVerb)

/**
 * Stops the nodes and the registry; everything is kept.
 *
 * @example
 * await stopCluster({ name: 'dev' })
 */
export const stopCluster = verb(stopClusterVerb)

/**
 * The clusters that ksail made on this machine.
 *
 * @example
 * const clusters = await listClusters()
 */
export const listClusters = verb(listClustersVerb)

/**
 * One cluster: its nodes, registry and engine, and where they are.
 *
 * @example
 * const info = await clusterInfo({ name: 'dev' })
 */
export const clusterInfo = verb(clusterInfoVerb)

/**
 * From an empty folder, or anything in between, to a live one. Safe to repeat.
 *
 * @example
 * const { context, digest } = await up({ name: 'dev' })
 */
export const up = verb(upVerb)

/**
 * Removes everything that `up` made and nothing else.
 *
 * @example
 * const { removed } = await down({ name: 'dev' })
 */
export const down = verb(downVerb)

/**
 * Packs the manifests as an OCI artifact and pushes it; an unchanged tree writes nothing.
 *
 * @example
 * const { reference, digest } = await push({ path: 'k8s' })
 */
export const push = verb(pushVerb)

/**
 * Makes the cluster take what was pushed, and waits until it is live.
 *
 * @example
 * const { digest } = await reconcile({ timeout: '2m' })
 */
export const reconcile = verb(reconcileVerb)

/**
 * Copies an artifact byte for byte to another repository or tag.
 *
 * @example
 * const { digest } = await promote({ from: 'oci://localhost:5050/app:dev', to: 'oci://ghcr.io/owner/app:v1' })
 */
export const promote = verb(promoteVerb)

const verbs = {
  initProject,
  createCluster,
  deleteCluster,
  startCluster,
  stopCluster,
  listClusters,
  clusterInfo,
  up,
  down,
  push,
  promote,
  reconcile,
}

type Bound = { readonly [K in keyof typeof verbs]: (options?: Parameters<(typeof verbs)[K]>[0]) => ReturnType<(typeof verbs)[K]> }

/**
 * Every verb with a context applied.
 *
 * @example
 * const ksail = bind({ cwd: 'my-cluster' })
 */
export const bind = (context: Partial<Context>): Bound =>
  Object.fromEntries(
    Object.entries(verbs).map(([name, run]) => [
      name,
      (options?: object) => (run as (options?: object, context?: Partial<Context>) => unknown)(options, context),
    ]),
  ) as unknown as Bound

export type { Asker, Context } from './base/context.ts'
export { EXIT, ExecError, KsailError, type ErrorCode } from './base/errors.ts'
export type { Event, Reporter } from './base/events.ts'
export type { Child, Exec, ExecOptions, ExecResult, Spawn } from './base/exec.ts'
export { formatReference, parseReference, type Reference } from './base/reference.ts'
export { parseRegistrySetting } from './base/registry-setting.ts'
export type { Registry, Target } from './base/target.ts'
export type { CreateOptions, CreateResult } from './cluster/create-options.ts'
export type { DeleteOptions, DeleteResult } from './cluster/delete.ts'
export type { InitOptions, InitResult } from './cluster/init.ts'
export type { UpOptions, UpResult } from './cluster/up-options.ts'
export type { ProjectOptions } from './config/project.ts'
export { registryChain } from './config/registry-chain.ts'
export { settings } from './config/settings.ts'
export { createContext } from './context.ts'
export type { ReconcileResult } from './engines/engine.ts'
export { engines } from './engines/index.ts'
export { createExec } from './io/exec.ts'
export { createReporter, type Look, type ReporterOptions } from './io/reporter.ts'
export type { PromoteOptions, PromoteResult } from './workload/promote.ts'
export type { PushOptions, PushResult } from './workload/push.ts'
export type { ReconcileOptions } from './workload/reconcile.ts'
