import type { DeleteResult } from '../../cluster/delete.ts'
import type { ClusterInfo } from '../../cluster/info.ts'
import type { ListedCluster } from '../../cluster/list.ts'

/** Columns as wide as their longest cell. */
export const table = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

export const clusterTable = (clusters: readonly ListedCluster[]): string =>
  clusters.length === 0
    ? 'no clusters'
    : table([
        ['NAME', 'STATUS', 'PROVIDER', 'REGISTRY', 'PROJECT'],
        ...clusters.map((it) => [it.name, it.status, it.provider, it.registry ?? '-', it.project]),
      ])

/** Marks a line of what was only looked at. */
export const wouldBe = (planned: readonly unknown[] | undefined): string => (planned === undefined ? '' : ' (dry run)')

/** What is gone, or would be, one line each. */
export const removedList = ({ name, removed, planned }: DeleteResult): string => {
  const [verb, list] = planned === undefined ? ['removed', removed] : ['would remove', planned.removes]
  return list.length === 0 ? `nothing of ${name} is left` : list.map((it) => `${verb} ${it}`).join('\n')
}

/** One cluster, a line for each thing, and what is not as it should be at the end. */
export const infoText = ({
  name,
  status,
  distribution,
  provider,
  context,
  current,
  kubeconfig,
  project,
  madeOf,
  nodes,
  registry,
  engine,
  down,
}: ClusterInfo): string => {
  // a revision begins with its tag
  const revision = engine.revision === undefined ? '' : ` at ${engine.revision.replace(`${engine.tag}@`, '')}`
  return [
    table([
      ['cluster', `${name} (${status})`],
      ['made of', `${distribution} on ${provider}`],
      ['context', `${context}${current ? ' (current)' : ''} in ${kubeconfig}`],
      ['project', project],
      ...(nodes.length === 0
        ? [[madeOf, 'none']]
        : nodes.map((node, index) => [index === 0 ? madeOf : '', `${node.name} (${node.status})`])),
      [
        'registry',
        registry === undefined
          ? 'none'
          : `${registry.container} (${registry.status})${registry.address === undefined ? '' : ` at ${registry.address}`}`,
      ],
      [
        'engine',
        `${engine.name}${engine.url === undefined ? '' : ` reads ${engine.url}${engine.tag === undefined ? '' : `, tag ${engine.tag}`}${revision}`}`,
      ],
    ]),
    ...down.map((it) => `⚠ ${it}`),
  ].join('\n')
}
