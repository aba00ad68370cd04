import type { KubeObject } from '../base/object.ts'

/** Kinds without namespaces that ksail applies or reads. */
const CLUSTER_WIDE = new Set([
  'Namespace',
  'Node',
  'CustomResourceDefinition',
  'ClusterRole',
  'ClusterRoleBinding',
  'PersistentVolume',
  'StorageClass',
  'PriorityClass',
])

/** The plural of a kind as API paths have it: regular English, which holds for every kind that ksail touches. */
export const pluralOf = (kind: string): string => {
  const lower = kind.toLowerCase()
  if (/(s|x|z|ch|sh)$/.test(lower)) return `${lower}es`
  return /[^aeiou]y$/.test(lower) ? `${lower.slice(0, -1)}ies` : `${lower}s`
}

/** The path of a collection: `collection('apps/v1', 'deployments', 'default')`. Without namespace: of the whole cluster. */
export const collection = (apiVersion: string, plural: string, namespace?: string): string =>
  `${apiVersion.includes('/') ? '/apis' : '/api'}/${apiVersion}${namespace === undefined ? '' : `/namespaces/${namespace}`}/${plural}`

/** Where create says whose cluster it is. */
export const OWNER_NOTICE = `${collection('v1', 'configmaps', 'kube-system')}/ksail`

/** The path of one object, from what its manifest says; objects without a namespace go to `default`. */
export const pathOf = ({
  apiVersion = 'v1',
  kind = '',
  metadata,
}: Pick<KubeObject<unknown, unknown>, 'apiVersion' | 'kind' | 'metadata'>): string =>
  `${collection(apiVersion, pluralOf(kind), CLUSTER_WIDE.has(kind) ? undefined : (metadata.namespace ?? 'default'))}/${metadata.name}`
