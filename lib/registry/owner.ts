import { KsailError } from '../base/errors.ts'
import { LABELS } from '../base/names.ts'
import type { Container } from '../tools/docker.ts'

/** The project that a cluster is made for, as its record knows it. */
export interface Owner {
  /** Random id of the record. */
  readonly id: string
  /** Absolute folder. A volume that `delete --keep-storage` kept carries an older id of the same folder. */
  readonly project: string
  /** Ids of containers and names of volumes that `--adopt` took over. */
  readonly adopted?: readonly string[] | undefined
}

type Labels = Readonly<Record<string, string>>

export const ownsContainer = (owner: Owner, { id, labels }: Pick<Container, 'id' | 'labels'>): boolean =>
  labels[LABELS.project] === owner.id || (owner.adopted ?? []).includes(id)

export const ownsVolume = (owner: Owner, name: string, labels: Labels): boolean =>
  labels[LABELS.project] === owner.id || labels[LABELS.directory] === owner.project || (owner.adopted ?? []).includes(name)

/** Who made something, as its labels tell. */
export const ownerOf = (labels: Labels): string => {
  const [directory, id] = [labels[LABELS.directory], labels[LABELS.project]]
  if (directory !== undefined && directory !== '') return `the project in ${directory}`
  return id === undefined ? 'somebody else: it carries no label of ksail' : `another project (${LABELS.project}=${id})`
}

export const foreign = (what: string, owner: string): KsailError =>
  new KsailError('conflict', `${what} belongs to ${owner}`, { hint: 'choose another cluster name, or pass --adopt to take it over' })
