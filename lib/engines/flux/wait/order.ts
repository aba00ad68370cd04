import type { Dependency } from './objects.ts'

/** What ordering needs to know of an object. */
export interface Node {
  /** `namespace/name`. */
  readonly id: string
  /** Ids, in the order in which they are written. */
  readonly needs: readonly string[]
}

export const needsOf = (namespace: string, dependsOn: readonly Dependency[] = []): readonly string[] => [
  ...new Set(dependsOn.filter(({ name }) => name !== '').map((it) => `${it.namespace || namespace}/${it.name}`)),
]

/** Dependencies before their dependants, otherwise in the order given; members of a cycle come last. */
export const ordered = (nodes: readonly Node[]): readonly string[] => {
  const known = new Set(nodes.map(({ id }) => id))
  const open = new Map(nodes.map(({ id, needs }) => [id, new Set(needs.filter((need) => known.has(need)))]))
  const queue = nodes.filter(({ id }) => open.get(id)?.size === 0).map(({ id }) => id)
  for (let at = 0; at < queue.length; at++)
    for (const { id } of nodes) {
      const left = open.get(id)
      if (left?.delete(queue[at]!) === true && left.size === 0) queue.push(id)
    }
  return [...queue, ...nodes.map(({ id }) => id).filter((id) => !queue.includes(id))]
}

interface Cascade {
  readonly failed: readonly string[]
  readonly blocked: readonly { readonly id: string; readonly root: string }[]
}

/** What a failure takes with it: every dependant that is not done, each with the failure that it is blocked by in the end. */
export const cascade = (nodes: readonly Node[], failed: ReadonlySet<string>, done: ReadonlySet<string>): Cascade => {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const rootOf = (id: string, seen: Set<string>): string | undefined => {
    for (const need of byId.get(id)?.needs ?? []) {
      if (done.has(need) || seen.has(need)) continue
      seen.add(need)
      if (failed.has(need)) return need
      const root = rootOf(need, seen)
      if (root !== undefined) return root
    }
    return undefined
  }
  const order = ordered(nodes)
  const blocked = order
    .filter((id) => !failed.has(id) && !done.has(id))
    .flatMap((id) => {
      const root = rootOf(id, new Set([id]))
      return root === undefined ? [] : [{ id, root }]
    })
  return { failed: order.filter((id) => failed.has(id)), blocked }
}

/**
 * Objects that no progress of others can free: a dependency that does not exist, or a cycle. `exists` knows ids outside of `nodes` too.
 * Meant for a moment in which everything that is left is blocked.
 */
export const deadlocked = (
  nodes: readonly Node[],
  done: ReadonlySet<string>,
  exists: (id: string) => boolean,
): readonly { readonly id: string; readonly why: string }[] => {
  const open = nodes.filter(({ id }) => !done.has(id))
  const isOpen = new Set(open.map(({ id }) => id))
  const free = new Set<string>()
  for (let before = -1; before !== free.size;) {
    before = free.size
    for (const { id, needs } of open)
      if (needs.every((need) => done.has(need) || free.has(need) || (!isOpen.has(need) && exists(need)))) free.add(id)
  }
  const stuck = open.filter(({ id }) => !free.has(id))
  const isStuck = new Map(stuck.map((node) => [node.id, node]))
  const reaches = (from: string, to: string, seen = new Set<string>()): boolean =>
    (isStuck.get(from)?.needs ?? []).some((need) => need === to || (!seen.has(need) && reaches(need, to, seen.add(need))))
  return stuck.map(({ id, needs }) => {
    const missing = needs.find((need) => !exists(need))
    if (missing !== undefined) return { id, why: `depends on ${missing}, which does not exist` }
    const next = needs.find((need) => isStuck.has(need)) ?? id
    return { id, why: reaches(id, id) ? `waits for itself through ${next}` : `depends on ${next}, which cannot become ready` }
  })
}
