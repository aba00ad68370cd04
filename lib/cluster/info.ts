import { isKsailError, KsailError, messageOf } from '../base/errors.ts'
import type { Context } from '../base/context.ts'
import type { Target } from '../base/target.ts'
import type { ProjectOptions } from '../config/project.ts'
import { engineOf } from '../engines/index.ts'
import type { ClusterSource } from '../engines/engine.ts'
import { registryAnswers } from '../registry/ready.ts'
import { statusNow, type ClusterStatus } from './list.ts'
import { kubeconfigEntry } from './kubeconfig.ts'
import { noCluster, type Survey } from './ownership.ts'
import { findCluster } from './with-cluster.ts'

export interface ClusterInfo {
  readonly name: string
  readonly provider: string
  readonly distribution: string
  readonly status: ClusterStatus
  readonly project: string
  readonly kubeconfig: string
  readonly context: string
  /** The context that kubectl uses when none is named. */
  readonly current: boolean
  /** What its nodes are: `nodes`, or `processes` where there are no machines. */
  readonly madeOf: string
  readonly nodes: readonly { readonly name: string; readonly status: string }[]
  readonly registry:
    | { readonly container: string; readonly status: string; readonly address: string | undefined; readonly answers: boolean }
    | undefined
  /** What the engine reads; without `url` it could not be asked. */
  readonly engine: {
    readonly name: string
    readonly url: string | undefined
    readonly tag: string | undefined
    readonly revision: string | undefined
  }
  /** One line for each thing that is not as it should be. */
  readonly down: readonly string[]
}

/** How long a cluster has to answer: info tells what is down, it does not wait for it. */
const PATIENCE = 2000

const sourceOf = async (ctx: Context, target: Target, down: string[]): Promise<ClusterSource | undefined> => {
  const late = new AbortController()
  const timer = setTimeout(
    () => late.abort(new KsailError('timeout', `the API server of ${target.name} does not answer within ${PATIENCE / 1000} s`)),
    PATIENCE,
  )
  try {
    return await engineOf(target.engine).source({ ...ctx, signal: AbortSignal.any([ctx.signal, late.signal]) }, target)
  } catch (error) {
    if (!isKsailError(error) || ctx.signal.aborted) throw error
    down.push(messageOf(error))
    return undefined
  } finally {
    clearTimeout(timer)
  }
}

/** What the nodes say that is not as it should be. What holds for all of them is said once, and the way out is the one that works. */
const nodesDown = ({ nodes }: Survey, name: string, noun: string, status: ClusterStatus): readonly string[] => {
  if (status === 'making') return [`cluster ${name} is being made at this moment by another ksail`]
  if (status === 'gone') return [`there is no cluster ${name}: run ksail cluster create`]
  if (status === 'half-made') return [`cluster ${name} was never finished: run ksail cluster create, which goes on where it was`]
  if (status === 'stopped') return [`cluster ${name} is stopped: run ksail cluster start`]
  return nodes.flatMap(({ name: node, running, status: is, trouble }) =>
    running ? (trouble === undefined ? [] : [`${noun} ${node} ${trouble}`]) : [`${noun} ${node} is ${is}: run ksail cluster start`],
  )
}

const registryOf = async (
  ctx: Context,
  { container, record }: Survey,
  status: ClusterStatus,
  down: string[],
): Promise<ClusterInfo['registry']> => {
  if (container === undefined) {
    if (record?.port !== undefined && status !== 'making') down.push('the registry is gone: run ksail cluster create')
    return undefined
  }
  const { port } = container
  const answers = container.running && port !== undefined && (await registryAnswers(ctx, port, PATIENCE))
  if (!container.running) {
    // the cluster has no start before it is whole, and with a stopped one it is stopped, too
    if (status === 'running' || status === 'partly') down.push(`registry ${container.name} is stopped: run ksail cluster start`)
  } else if (!answers) down.push(`registry ${container.name} does not answer`)
  return {
    container: container.name,
    status: container.status,
    address: port === undefined ? undefined : `localhost:${port}`,
    answers,
  }
}

/**
 * A cluster as it is now: nodes, registry, engine, kubeconfig, and what is down. Changes nothing and waits for nothing longer than two seconds.
 * Throws `unresolved` when nothing of that name was ever made, or nothing is left.
 *
 * @example
 * const { down } = await clusterInfo({ name: 'dev' })
 */
export const clusterInfo = async (options: ProjectOptions, ctx: Context): Promise<ClusterInfo> => {
  const { target, survey, runtime } = await findCluster(options, ctx)
  const { name, provider, distribution, kubeconfig, context } = target
  if (survey.state === 'nothing' && survey.record === undefined && survey.container === undefined) throw noCluster(name)
  const down = survey.foreign.map(({ what, owner }) => `${what} belongs to ${owner}`)
  const status = await statusNow(ctx, name, survey.nodes, survey.record)
  down.push(...nodesDown(survey, name, runtime.noun, status))
  const entry = await kubeconfigEntry(ctx, kubeconfig, context)
  if (survey.nodes.length > 0 && status !== 'half-made' && status !== 'making' && entry === undefined)
    down.push(`${kubeconfig} has no context ${context}: run ksail cluster create`)
  const [registry, source] = await Promise.all([
    registryOf(ctx, survey, status, down),
    entry !== undefined && survey.nodes.some(({ running }) => running) ? sourceOf(ctx, target, down) : undefined,
  ])
  return {
    name,
    provider,
    distribution,
    status,
    project: survey.record?.project ?? target.project,
    kubeconfig,
    context,
    current: entry?.current === true,
    madeOf: runtime.nouns,
    nodes: survey.nodes.map((node) => ({ name: node.name, status: node.status })),
    registry,
    engine: { name: target.engine, url: source?.url, tag: source?.tag, revision: source?.revision },
    down,
  }
}
