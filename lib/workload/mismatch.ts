import { isIP } from 'node:net'
import { registryName } from '../base/names.ts'
import { hostPort, isLoopback, parseClusterUrl, type Reference } from '../base/reference.ts'
import type { ClusterSource } from '../engines/engine.ts'

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
