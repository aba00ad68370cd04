import { isIP } from 'node:net'
import { isKsailError, KsailError, messageOf } from '../base/errors.ts'
import type { Context } from '../base/context.ts'
import { registryName } from '../base/names.ts'
import { hostPort, isLoopback, parseClusterUrl, type Reference } from '../base/reference.ts'
import type { Target } from '../base/target.ts'
import type { ClusterSource } from '../engines/engine.ts'
import { clusterSource } from '../engines/index.ts'
import { readText } from '../io/files.ts'
import { connect, type Kube } from '../tools/kube.ts'

/** What was, or is about to be, pushed. */
export type Pushed = Pick<Reference, 'host' | 'port' | 'repository'> & { readonly tags: readonly string[] }

/** Whether a host of the cluster's is, or may be, the registry on this machine: another name of it is none of our business here. */
const maybeLocal = (host: string, cluster: string): boolean =>
  host === registryName(cluster) || isLoopback(host) || !host.includes('.') || isIP(host) !== 0

/** What is wrong between what was pushed and what the cluster reads, as a sentence with both; undefined: it reads what was pushed. */
export const mismatchOf = (
  cluster: string,
  pushed: Pushed,
  source: Pick<ClusterSource, 'url' | 'tag' | 'digest' | 'resource'>,
): string | undefined => {
  const reads = parseClusterUrl(source.url)
  const local = isLoopback(pushed.host)
  // a loopback address of the cluster is one of this machine only where the cluster has no machine of its own: then it is the same port
  const sameHost =
    local && !isLoopback(reads.host)
      ? maybeLocal(reads.host, cluster)
      : (local && reads.port === pushed.port) || hostPort(reads) === hostPort(pushed)
  const where = `${hostPort(pushed)}/${pushed.repository}:${pushed.tags.join(', ')}`
  const there = `${source.url.replace(/^oci:\/\//, '')}${source.tag === undefined ? '' : `:${source.tag}`}`
  if (!sameHost || reads.repository !== pushed.repository || (source.tag !== undefined && !pushed.tags.includes(source.tag)))
    return `pushed ${where}, but ${source.resource} of the cluster reads ${there}: it will not see this push`
  if (source.digest !== undefined)
    return `pushed ${where}, but ${source.resource} of the cluster is pinned to ${source.digest}: it will not see this push`
  return undefined
}

/** Whether a kubeconfig names the context, without a parser: a name that is not in the text is not in the file. */
const isNamed = async ({ kubeconfig, context }: Target): Promise<boolean> =>
  (await readText(kubeconfig).catch(() => undefined))?.includes(context) === true

/** A question that a push asks by the way may not keep it waiting. */
const PATIENCE = 4000

/** The cluster of a push, asked while it packs and sends. */
export interface Watched {
  readonly kube: Kube | undefined
  readonly source: ClusterSource | undefined
}

/**
 * Reads what the cluster reads, over a connection that the caller closes. A cluster that does not answer is told in one line; one that no
 * kubeconfig names is not asked.
 */
export const watchCluster = async (ctx: Context, target: Target): Promise<Watched> => {
  if (!(await isNamed(target))) return { kube: undefined, source: undefined }
  let kube: Kube | undefined
  let limit: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    limit = setTimeout(() => reject(new KsailError('unreachable', `no answer within ${PATIENCE / 1000} s`)), PATIENCE)
  })
  // it may fire while the connection is made
  late.catch(() => undefined)
  try {
    kube = await connect(ctx, target)
    return { kube, source: await Promise.race([clusterSource(ctx, target, { kube }), late]) }
  } catch (error) {
    await kube?.close()
    if (isKsailError(error, 'interrupted', 'terminated')) throw error
    ctx.report({ kind: 'note', text: `whether cluster ${target.name} reads what is pushed was not checked: ${messageOf(error)}` })
    return { kube: undefined, source: undefined }
  } finally {
    clearTimeout(limit)
  }
}
