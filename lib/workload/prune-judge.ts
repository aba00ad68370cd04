import type { Described } from '../artifact/facts.ts'

/** The identity of an object for the engine: a new version of its API is the same object. */
export type Identity = Pick<Described, 'group' | 'kind' | 'namespace' | 'name'> & { readonly keep?: true }

export const idOf = ({ group, kind, namespace, name }: Identity): string =>
  `${kind}${group === '' ? '' : `.${group}`} ${namespace === '' ? '' : `${namespace}/`}${name}`

const isPrecious = (it: Identity): boolean =>
  (it.kind === 'Namespace' && it.group === '') || (it.kind === 'CustomResourceDefinition' && it.group === 'apiextensions.k8s.io')

const SHOWN = 5

const listed = (objects: readonly Identity[]): string =>
  objects.slice(0, SHOWN).map(idOf).join(', ') + (objects.length > SHOWN ? ` and ${objects.length - SHOWN} more` : '')

export interface Pruned {
  /** Objects that the engine would remove. */
  readonly gone: readonly Identity[]
  /** How many it could remove. */
  readonly total: number
  /** Why that is too much; undefined: it is not. */
  readonly why: string | undefined
}

/** More than an edit usually removes: any Namespace or CustomResourceDefinition, or more than half and at least five. */
export const judgeGone = (gone: readonly Identity[], total: number): Pruned => {
  const precious = gone.filter(isPrecious)
  const why =
    precious.length > 0
      ? `it would remove ${listed(precious)} with everything in it`
      : gone.length >= 5 && gone.length > total / 2
        ? `it would remove ${gone.length} of ${total} objects`
        : undefined
  return { gone, total, why }
}

/** What an engine would remove when `after` takes the place of `before`, and whether that is more than an edit usually means. */
export const judgePrune = (before: readonly Identity[], after: readonly Identity[]): Pruned => {
  const stays = new Set(after.map(idOf))
  const removable = [...new Map(before.filter(({ keep }) => keep !== true).map((it) => [idOf(it), it])).values()]
  return judgeGone(
    removable.filter((it) => !stays.has(idOf(it))),
    removable.length,
  )
}
