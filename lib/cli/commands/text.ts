/** Columns as wide as their longest cell. */
export const table = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()).join('\n')
}

interface Listed {
  readonly name: string
  readonly provider: string
  readonly status: string
  readonly registry: string | undefined
  readonly project: string
}

export const clusterTable = (clusters: readonly Listed[]): string =>
  clusters.length === 0
    ? 'no clusters'
    : table([['NAME', 'STATUS', 'PROVIDER', 'REGISTRY', 'PROJECT'], ...clusters.map((it) => [it.name, it.status, it.provider, it.registry ?? '-', it.project])])

/** What is gone, one line each. */
export const removedList = ({ name, removed }: { readonly name: string; readonly removed: readonly string[] }): string =>
  removed.length === 0 ? `nothing of ${name} is left` : removed.map((it) => `removed ${it}`).join('\n')
