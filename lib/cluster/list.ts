import { isKsailError, messageOf } from '../base/errors.ts'
import type { Context } from '../base/context.ts'
import type { Node } from '../distributions/distribution.ts'
import { runtimeOf } from '../distributions/index.ts'
import { holder } from '../io/lock.ts'
import { listRecords, lockOf, type ClusterRecord } from '../providers/record.ts'

/** `partly`: some nodes run; `gone`: the record is all that is left; `making`: create is at it; `half-made`: create was cut off; `unknown`: its provider does not answer. */
export type ClusterStatus = 'running' | 'partly' | 'stopped' | 'gone' | 'making' | 'half-made' | 'unknown'

export interface ListedCluster {
  readonly name: string
  readonly provider: string
  readonly distribution: string
  readonly status: ClusterStatus
  /** Absolute folder of the project that made it. */
  readonly project: string
  readonly kubeconfig: string
  readonly context: string
  /** `localhost:5050`; undefined when it has no registry beside it. */
  readonly registry: string | undefined
}

/** What the nodes of a cluster say about it. */
export const statusOf = (nodes: readonly Pick<Node, 'running'>[], record: Pick<ClusterRecord, 'nodes'> | undefined): ClusterStatus => {
  if (nodes.length === 0) return 'gone'
  if (record !== undefined && record.nodes === undefined) return 'half-made'
  const running = nodes.filter((node) => node.running).length
  if (running === 0) return 'stopped'
  return running === nodes.length && nodes.length >= (record?.nodes ?? []).length ? 'running' : 'partly'
}

/** The same, but of a cluster that create is making at this moment that says so. */
export const statusNow = async (
  ctx: Context,
  name: string,
  nodes: readonly Pick<Node, 'running'>[],
  record: Pick<ClusterRecord, 'nodes'> | undefined,
): Promise<ClusterStatus> =>
  record !== undefined && record.nodes === undefined && (await holder(lockOf(ctx, name))) !== undefined ? 'making' : statusOf(nodes, record)

const statusFor = async (ctx: Context, record: ClusterRecord): Promise<ClusterStatus> => {
  try {
    return await statusNow(ctx, record.name, await runtimeOf(record).nodes(ctx, record.name), record)
  } catch (error) {
    // one provider that is down, or that a newer ksail brought, must not hide the clusters of the others
    if (!isKsailError(error, 'unreachable', 'tool', 'timeout', 'usage')) throw error
    ctx.report({ kind: 'warn', text: `cluster ${record.name}: ${messageOf(error)}` })
    return 'unknown'
  }
}

/**
 * The clusters that ksail made for this user on this machine, by name, and whether they run.
 *
 * @example
 * const running = (await listClusters()).filter(({ status }) => status === 'running')
 */
export const listClusters = async (_options: object, ctx: Context): Promise<readonly ListedCluster[]> =>
  Promise.all(
    (await listRecords(ctx)).map(async (record) => {
      const { name, provider, distribution, project, kubeconfig, context, port } = record
      return {
        name,
        provider,
        distribution,
        status: await statusFor(ctx, record),
        project,
        kubeconfig,
        context,
        registry: port === undefined ? undefined : `localhost:${port}`,
      }
    }),
  )
