import { idOf } from '../../../base/object.ts'
import type { Kustomization, Source } from './objects.ts'

/** An object that a Kustomization has applied. */
export interface Entry {
  readonly namespace: string
  readonly name: string
  readonly group: string
  readonly kind: string
  readonly version: string
}

/** `<namespace>_<name>_<group>_<kind>`; read from the right, as names of RBAC objects may hold underscores (`:` is written `__`). */
export const parseEntry = ({ id, v }: { readonly id: string; readonly v: string }): Entry | undefined => {
  const match = /^([^_]*)_(.+)_([^_]*)_([^_]+)$/.exec(id)
  return match === null
    ? undefined
    : { namespace: match[1]!, name: match[2]!.replaceAll('__', ':'), group: match[3]!, kind: match[4]!, version: v }
}

export const inventoryOf = ({ status }: Kustomization): readonly Entry[] =>
  (status?.inventory?.entries ?? []).flatMap((entry) => parseEntry(entry) ?? [])

export interface Member {
  readonly object: Kustomization
  readonly id: string
  /** Follows the pushed artifact itself; else it only was made by one that does. */
  readonly direct: boolean
}

const follows = ({ metadata, spec }: Kustomization, sources: ReadonlySet<string>): boolean =>
  spec?.sourceRef.kind === 'OCIRepository' && sources.has(`${spec.sourceRef.namespace ?? metadata.namespace ?? ''}/${spec.sourceRef.name}`)

/**
 * The Kustomizations that must converge: those that follow one of the sources, and those in their inventories, in turn. Others are none
 * of this push's business.
 */
export const membersOf = (all: readonly Kustomization[], sources: readonly Source[]): readonly Member[] => {
  const ids = new Set(sources.map(idOf))
  const living = all.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  const byId = new Map(living.map((object) => [idOf(object), object]))
  const members = living.filter((object) => follows(object, ids)).map((object): Member => ({ object, id: idOf(object), direct: true }))
  const known = new Set(members.map(({ id }) => id))
  for (let at = 0; at < members.length; at++)
    for (const { kind, group, namespace, name } of inventoryOf(members[at]!.object)) {
      const id = `${namespace}/${name}`
      const object = kind === 'Kustomization' && group === 'kustomize.toolkit.fluxcd.io' && !known.has(id) ? byId.get(id) : undefined
      if (object === undefined) continue
      known.add(id)
      members.push({ object, id, direct: false })
    }
  return members
}
