import { realpath } from 'node:fs/promises'
import { KsailError } from '../base/errors.ts'
import type { Context } from '../base/context.ts'
import { registryName } from '../base/names.ts'
import type { Target } from '../base/target.ts'
import type { BesideRegistry } from '../distributions/beside.ts'
import type { Node } from '../distributions/distribution.ts'
import { runtimeOf } from '../distributions/index.ts'
import { hasContainers } from '../providers/index.ts'
import { readRecord, type ClusterRecord } from '../providers/record.ts'
import { ownerOf, ownsContainer, ownsVolume } from '../registry/owner.ts'
import * as docker from '../tools/docker.ts'

/** The network of the nodes. */
export const NETWORK = 'kind'

/** What is there under the name of a cluster. */
export interface Facts {
  readonly name: string
  /** Absolute folder of the project that asks. */
  readonly project: string
  readonly record: ClusterRecord | undefined
  /** The folder of the record is another one than ours. */
  readonly elsewhere: boolean
  /** That other folder is not there any more. */
  readonly moved?: boolean | undefined
  readonly nodes: readonly Node[]
  readonly container: BesideRegistry | undefined
  /** Labels of the registry's volume. */
  readonly volume: Readonly<Record<string, string>> | undefined
  readonly networkExists: boolean
  /** What its parts are called where it runs; default: as with containers. */
  readonly nouns?: { readonly node: string; readonly registry: string; readonly storage: string } | undefined
}

export interface Foreign {
  readonly what: string
  readonly owner: string
}

export interface Survey extends Pick<Facts, 'record' | 'nodes' | 'container' | 'volume' | 'moved'> {
  /** `foreign`: something belongs to others; `half-made`: nodes that an interrupted create of this project left. */
  readonly state: 'nothing' | 'whole' | 'half-made' | 'foreign'
  readonly foreign: readonly Foreign[]
  /** Ids of containers and names of volumes that --adopt would take over, with those taken over before. */
  readonly adoptable: readonly string[]
  readonly registryRunning: boolean
  readonly network: 'made' | 'there'
}

/** Clocks of the engine and of this machine may differ a little. */
const SKEW = 2000

const isControlPlane = ({ name }: Node): boolean => /-control-plane\d*$|^kube-apiserver$/.test(name)

/** Node containers carry no label of ours: they are ours by their ids, or while they are being made, when they are younger than a record without ids. */
const ownsNode = (record: ClusterRecord, node: Node): boolean =>
  record.nodes === undefined ? Date.parse(node.created) >= Date.parse(record.created) - SKEW : record.nodes.includes(node.id)

/** Decides whose cluster it is; looks at nothing but the facts. */
export const judge = (facts: Facts): Survey => {
  const { name, project, record, nodes, container, volume } = facts
  const nouns = facts.nouns ?? { node: 'node', registry: 'container', storage: 'volume' }
  const foreign: Foreign[] = []
  const adoptable = new Set(record?.adopted ?? [])
  const owner = record ?? { id: '', project }
  if (record !== undefined && facts.elsewhere)
    foreign.push({
      what: `cluster ${name}`,
      owner: `the project in ${record.project}${facts.moved === true ? ', a folder that is gone' : ''}`,
    })
  for (const node of nodes)
    if (record === undefined || !ownsNode(record, node))
      foreign.push({ what: `${nouns.node} ${node.name}`, owner: 'somebody else: no record of ksail names it' })
  if (container !== undefined && !ownsContainer(owner, container)) {
    foreign.push({ what: `${nouns.registry} ${container.name}`, owner: ownerOf(container.labels) })
    adoptable.add(container.id)
  }
  if (volume !== undefined && !ownsVolume(owner, registryName(name), volume)) {
    foreign.push({ what: `${nouns.storage} ${registryName(name)}`, owner: ownerOf(volume) })
    adoptable.add(registryName(name))
  }
  // without its control plane nothing of a cluster is left that could be gone on with
  const halfMade = nodes.length > 0 && (record?.nodes === undefined || !nodes.some(isControlPlane))
  return {
    record,
    nodes,
    container,
    volume,
    moved: facts.moved,
    foreign,
    adoptable: [...adoptable],
    state: foreign.length > 0 ? 'foreign' : nodes.length === 0 ? 'nothing' : halfMade ? 'half-made' : 'whole',
    registryRunning: container?.running === true,
    network: record?.network ?? (facts.networkExists ? 'there' : 'made'),
  }
}

/** Where a folder really is; one that is gone stays as it is written. */
const placeOf = (path: string): Promise<string> => realpath(path).catch(() => path)

/** Looks at everything that a cluster of this name would use: record, nodes, registry container, volume, network. Changes nothing. */
export const surveyCluster = async (
  ctx: Context,
  target: Pick<Target, 'name' | 'project' | 'distribution' | 'provider'>,
): Promise<Survey> => {
  const { name, project } = target
  const { registry, noun, nodes: nodesOf } = runtimeOf(target)
  const [record, nodes, container, volume, networkExists] = await Promise.all([
    readRecord(ctx, name),
    nodesOf(ctx, name),
    registry.find(ctx, name),
    registry.storage(ctx, name),
    hasContainers(target.provider) && docker.networkExists(ctx, NETWORK),
  ])
  const elsewhere = record !== undefined && (await placeOf(record.project)) !== (await placeOf(project))
  const moved =
    elsewhere &&
    (await realpath(record.project).then(
      () => false,
      () => true,
    ))
  const nouns = { node: noun, registry: registry.noun, storage: registry.storageNoun }
  return judge({ name, project, record, elsewhere, moved, nodes, container, volume, networkExists, nouns })
}

/** What is said of a cluster that is not there. */
export const noCluster = (name: string): KsailError =>
  new KsailError('unresolved', `there is no cluster ${name}`, { hint: 'run ksail cluster create' })

/** What who makes a cluster does about a name that others have. */
export const OTHER_NAME = 'choose another name with --name, or take it over with --adopt'

/** Throws `conflict` when something of that name is not this project's, naming each thing and its owner. */
export const refuseForeign = (
  target: Pick<Target, 'name'>,
  { foreign, record, moved }: Pick<Survey, 'foreign' | 'record' | 'moved'>,
  hint: string,
): void => {
  if (foreign.length === 0) return
  // a project that was only moved wants its cluster back
  const way = moved === true && !hint.includes('--adopt') ? 'take it over with ksail cluster create --adopt' : hint
  throw new KsailError('conflict', `cluster ${target.name} is not this project's`, {
    details: foreign.map(({ what, owner }) => `${what} belongs to ${owner}`),
    hint:
      record !== undefined && moved !== true && foreign.some(({ what }) => what.startsWith('cluster '))
        ? `${way}, or run the command in ${record.project}`
        : way,
  })
}
