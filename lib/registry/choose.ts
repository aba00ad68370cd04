import { KsailError } from '../base/errors.ts'
import { LABELS, registryName } from '../base/names.ts'

interface Candidate {
  readonly name: string
  readonly running: boolean
  readonly labels: Readonly<Record<string, string>>
}

/**
 * The registry of a cluster among containers, never that of another: a running one by its labels, else by its exact name; undefined when there is
 * none. Throws `unresolved` when there is only a stopped one, `conflict` when two are running.
 */
export const chooseRegistry = <T extends Candidate>(containers: readonly T[], cluster: string): T | undefined => {
  const owner = (it: T): string | undefined => it.labels[LABELS.cluster]
  const labelled = containers.filter((it) => owner(it) === cluster && it.labels[LABELS.role] === 'registry')
  const named = containers.filter((it) => it.name === registryName(cluster) && (owner(it) === undefined || owner(it) === cluster))
  const running = labelled.filter((it) => it.running)
  if (running.length > 1)
    throw new KsailError(
      'conflict',
      `cluster "${cluster}" has more than one registry: ${running
        .map(({ name }) => name)
        .toSorted()
        .join(', ')}`,
      {
        reason: 'ambiguous-registry',
        hint: 'stop the one that is not in use',
      },
    )
  const found = running[0] ?? named.find((it) => it.running)
  if (found !== undefined) return found
  const stopped = labelled[0] ?? named[0]
  if (stopped === undefined) return undefined
  throw registryStopped(stopped.name, cluster)
}

export const registryStopped = (container: string, cluster: string): KsailError =>
  new KsailError('unresolved', `registry ${container} of cluster "${cluster}" is stopped`, {
    reason: 'registry-stopped',
    hint: `run ksail cluster start --name ${cluster}`,
  })
