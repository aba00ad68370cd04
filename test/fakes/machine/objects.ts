import { parseAllDocuments } from 'yaml'

export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly uid?: string
    readonly generation?: number
    readonly resourceVersion?: string
    readonly annotations?: Readonly<Record<string, string>>
    readonly labels?: Readonly<Record<string, string>>
  }
  readonly spec?: any
  readonly status?: any
  readonly data?: Readonly<Record<string, string>>
}

export interface Change {
  readonly version: number
  readonly type: 'ADDED' | 'MODIFIED'
  readonly object: Manifest
}

/** The objects of a cluster, with a history of their changes. */
export interface Objects {
  /** Whether its kind is built in, or has a definition. */
  serves(object: Pick<Manifest, 'apiVersion' | 'kind'>): boolean
  /** Plural of a collection as `apps/v1/deployments` → whether it is served. */
  hasCollection(collection: string): boolean
  put(object: Manifest, manager?: string): void
  status(object: Manifest, status: object): void
  annotate(object: Manifest, annotations: Readonly<Record<string, string>>): Manifest
  list(collection: string, namespace?: string): readonly Manifest[]
  get(collection: string, namespace: string | undefined, name: string): Manifest | undefined
  version(): number
  /** Every change after a version, and from then on each new one until it is called off. */
  follow(after: number, seen: (change: Change, collection: string) => void): () => void
}

const parsed = new Map<string, readonly Manifest[]>()

/** The objects in a text of manifests; worlds apply the same texts, so each is read once. */
export const parseManifests = (yaml: string): readonly Manifest[] => {
  const known = parsed.get(yaml)
  if (known !== undefined) return known
  const found = parseAllDocuments(yaml)
    .map((document) => document.toJS() as Manifest | null)
    .filter((it) => it !== null)
  parsed.set(yaml, found)
  return found
}

const NAMESPACELESS = new Set(['Namespace', 'Node', 'CustomResourceDefinition', 'ClusterRole', 'ClusterRoleBinding'])
/** Applied, but never asked for. */
const UNREAD = new Set([
  'ServiceAccount',
  'ClusterRole',
  'ClusterRoleBinding',
  'RoleBinding',
  'Role',
  'Service',
  'ResourceQuota',
  'NetworkPolicy',
  'CustomResourceDefinition',
])

export const createObjects = (builtin: readonly string[]): Objects => {
  const collections = new Set(builtin)
  const plurals = new Map(builtin.map((it) => [it.slice(it.lastIndexOf('/') + 1).replace(/s$/, ''), it.slice(it.lastIndexOf('/') + 1)]))
  const held = new Map<string, Manifest>()
  const history: (Change & { readonly collection: string })[] = []
  const followers = new Set<(change: Change, collection: string) => void>()
  let version = 100

  const collectionOf = ({ apiVersion, kind }: Pick<Manifest, 'apiVersion' | 'kind'>): string =>
    `${apiVersion}/${plurals.get(kind.toLowerCase()) ?? `${kind.toLowerCase()}s`}`
  const keyOf = (object: Manifest): string => `${collectionOf(object)} ${object.metadata.namespace ?? ''}/${object.metadata.name}`
  const write = (object: Manifest): Manifest => {
    const key = keyOf(object)
    const type = held.has(key) ? 'MODIFIED' : 'ADDED'
    const written = { ...object, metadata: { ...object.metadata, resourceVersion: String(++version) } }
    held.set(key, written)
    const change = { version, type, object: written, collection: collectionOf(object) } as const
    history.push(change)
    for (const seen of followers) seen(change, change.collection)
    return written
  }
  const define = ({ spec }: Manifest): void => {
    for (const { name } of spec.versions) collections.add(`${spec.group}/${name}/${spec.names.plural}`)
    plurals.set(spec.names.kind.toLowerCase(), spec.names.plural)
  }
  return {
    serves: (object) => UNREAD.has(object.kind) || collections.has(collectionOf(object)),
    hasCollection: (collection) => collections.has(collection),
    put: (object, manager) => {
      if (object.kind === 'CustomResourceDefinition') define(object)
      if (UNREAD.has(object.kind)) return
      const namespace = NAMESPACELESS.has(object.kind) ? {} : { namespace: object.metadata.namespace ?? 'default' }
      const known = held.get(keyOf({ ...object, metadata: { ...object.metadata, ...namespace } }))
      const same = known !== undefined && JSON.stringify(known.spec) === JSON.stringify(object.spec)
      const metadata = {
        ...object.metadata,
        ...namespace,
        uid: known?.metadata.uid ?? `uid-${version}`,
        generation: (known?.metadata.generation ?? 0) + (same ? 0 : 1),
        annotations: { ...known?.metadata.annotations, ...object.metadata.annotations },
        managedFields: [{ manager }],
      }
      write({ ...known, ...object, metadata, ...(known?.status === undefined ? {} : { status: known.status }) })
    },
    status: (object, status) => void write({ ...object, status }),
    annotate: (object, annotations) =>
      write({ ...object, metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, ...annotations } } }),
    list: (collection, namespace) =>
      [...held]
        .filter(([key, { metadata }]) => key.startsWith(`${collection} `) && (namespace === undefined || metadata.namespace === namespace))
        .map(([, it]) => it),
    get: (collection, namespace = '', name) => held.get(`${collection} ${namespace}/${name}`),
    version: () => version,
    follow: (after, seen) => {
      for (const change of history) if (change.version > after) seen(change, change.collection)
      followers.add(seen)
      return () => void followers.delete(seen)
    },
  }
}
