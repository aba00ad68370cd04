import { configError, formatPlace } from '../base/errors.ts'
import { nearest } from '../base/nearest.ts'
import type { Reporter } from '../base/events.ts'
import type { YamlDocument } from '../io/yaml.ts'
import { rows } from './settings.ts'

/** Keys that other versions of the file format know and that have no effect here: projects that hold them are told, not refused. */
const FOREIGN = [
  ...[
    'cni',
    'csi',
    'cdi',
    'metricsServer',
    'loadBalancer',
    'certManager',
    'policyEngine',
    'imageVerification',
    'importImages',
    'nodeAutoscaling',
    'autoscaler',
    'mirrorsDir',
    'oidc',
    'vanilla',
    'kind',
    'k3s',
    'k3d',
    'talos',
    'vcluster',
    'hetzner',
    'omni',
    'aws',
  ].map((key) => `spec.cluster.${key}`),
  ...['enabled', 'hostPort'].map((key) => `spec.cluster.localRegistry.${key}`),
  ...['flux', 'argocd', 'kubeconform'].map((key) => `spec.workload.${key}`),
  'spec.provider',
  'spec.chat',
  'metadata.labels',
  'metadata.annotations',
  'metadata.namespace',
  'status',
]

const LEAVES = [
  'apiVersion',
  'kind',
  'metadata.name',
  ...rows.flatMap(({ key, aliases = [] }) => (key === undefined ? [] : [key, ...aliases])),
]
const known = new Set(LEAVES)
const IDLE = rows.flatMap(({ key, idle }) => (key !== undefined && idle === true ? [key] : []))

const isMap = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Names that may stand below a key. */
const childrenOf = (prefix: string): string[] => [
  ...new Set(
    LEAVES.filter((leaf) => prefix === '' || leaf.startsWith(`${prefix}.`)).map(
      (leaf) => leaf.slice(prefix === '' ? 0 : prefix.length + 1).split('.')[0]!,
    ),
  ),
]

/** The whole key whose last name was probably meant: it stands at another place. */
const elsewhere = (name: string): string | undefined => {
  const last = nearest(
    name,
    LEAVES.map((leaf) => leaf.split('.').at(-1) ?? leaf),
  )
  return last === undefined ? undefined : LEAVES.find((leaf) => leaf.endsWith(`.${last}`))
}

/** Throws for the first key that nobody knows, with its place and the nearest known one; warns of those of other versions; checks what kind of document it is. */
export const checkKeys = (yaml: YamlDocument, report: Reporter): void => {
  if (!isMap(yaml.value))
    throw configError(yaml.valuePlace([]), 'a configuration is a map of keys', 'begin it with apiVersion: ksail.io/v1alpha1')
  for (const [key, wanted] of [
    ['apiVersion', 'ksail.io/v1alpha1'],
    ['kind', 'Cluster'],
  ] as const) {
    const value = yaml.value[key]
    if (value !== undefined && value !== wanted)
      throw configError(yaml.valuePlace([key]), `${key} must be ${wanted}, not "${String(value)}"`)
  }
  const walk = (value: Record<string, unknown>, path: readonly string[]): void => {
    for (const [name, child] of Object.entries(value)) {
      const here = [...path, name]
      const key = here.join('.')
      const foreign = FOREIGN.includes(key)
      if ((foreign || IDLE.includes(key)) && key.startsWith('spec.'))
        report({ kind: 'warn', text: `${formatPlace(yaml.keyPlace(here))}: ${key} has no effect in this version` })
      if (foreign) continue
      const children = childrenOf(key)
      if (isMap(child) && children.length > 0) walk(child, here)
      else if (!known.has(key) && children.length === 0) {
        const near = nearest(name, childrenOf(path.join('.'))) ?? elsewhere(name)
        throw configError(
          yaml.keyPlace(here),
          `unknown key ${key}`,
          near === undefined ? `known here: ${childrenOf(path.join('.')).join(', ')}` : `did you mean ${near}?`,
          'key',
        )
      } else if (!known.has(key) && child !== null)
        throw configError(yaml.valuePlace(here), `${key} must be a map`, `known below it: ${children.join(', ')}`)
      else if (isMap(child)) throw configError(yaml.valuePlace(here), `${key} must not be a map`)
    }
  }
  walk(yaml.value, [])
}
