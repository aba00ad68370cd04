import { unhashed, type Built } from '../artifact/validate.ts'
import type { Context } from '../base/context.ts'
import { isKsailError, messageOf } from '../base/errors.ts'
import type { Target } from '../base/target.ts'
import type { Applied, AppliedObject } from '../engines/engine.ts'
import { engineOf } from '../engines/index.ts'
import type { Kube } from '../tools/kube.ts'
import { collection, pluralOf } from '../tools/kube-paths.ts'
import { mismatchOf, type Pushed } from './mismatch.ts'
import { judgeGone, type Identity, type Pruned } from './prune-judge.ts'
import { soon, type Watched } from './watched.ts'

/** What a cluster has applied from what is pushed. */
export interface Inventories {
  readonly applied: readonly Applied[]
  readonly kube: Kube
}

/** Asks a cluster for it over the connection of the push; undefined when it has applied nothing of it, or cannot be asked. */
export const inventoriesOf = async (
  ctx: Context,
  target: Target,
  pushed: Pushed,
  { kube }: Pick<Watched, 'kube'>,
): Promise<Inventories | undefined> => {
  if (kube === undefined) return undefined
  try {
    const reads = engineOf(target.engine).applied
    const asked = reads?.(kube, (source) => mismatchOf(target.name, pushed, source) === undefined)
    const applied = asked === undefined ? [] : await soon(asked)
    return applied.length === 0 ? undefined : { applied, kube }
  } catch (error) {
    if (!isKsailError(error) || ctx.signal.aborted) throw error
    ctx.report({ kind: 'note', text: `what cluster ${target.name} has applied was not asked: ${messageOf(error)}` })
    return undefined
  }
}

type Named = Pick<Identity, 'group' | 'kind' | 'namespace' | 'name'>

const kindOf = ({ group, kind }: Named): string => `${kind}.${group}`

/** Whether an applied object is among those of an artifact, which may leave the namespace, or a part of the name, to the engine. */
const finder = (objects: readonly Named[], names: readonly Applied['names'][]): ((object: Named) => boolean) => {
  const exact = new Set<string>()
  // a kind that only the cluster knows to have no namespace may have been given one by a kustomization
  const anywhere = new Set<string>()
  const patterns: { readonly kind: string; readonly namespace: string; readonly name: RegExp }[] = []
  const add = (object: Named): void => {
    const { namespace, name } = object
    if (/\$\{|\*$/.test(`${namespace}${name}`)) {
      const parts = name.split(/\$\{[^}]*\}|\*$/).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      patterns.push({
        kind: kindOf(object),
        namespace: namespace.includes('${') ? '' : namespace,
        name: new RegExp(`^${parts.join('.*')}$`),
      })
    } else {
      exact.add(`${kindOf(object)}/${namespace}/${name}`)
      anywhere.add(`${kindOf(object)}/${name}`)
    }
  }
  for (const object of objects) {
    add(object)
    for (const { namespace, prefix = '', suffix = '' } of names)
      add({ ...object, namespace: namespace ?? object.namespace, name: `${prefix}${object.name}${suffix}` })
  }
  const has = (object: Named): boolean =>
    exact.has(`${kindOf(object)}/${object.namespace}/${object.name}`) ||
    exact.has(`${kindOf(object)}//${object.name}`) ||
    (object.namespace === '' && anywhere.has(`${kindOf(object)}/${object.name}`)) ||
    patterns.some(
      ({ kind, namespace, name }) =>
        kind === kindOf(object) && (namespace === '' || namespace === object.namespace) && name.test(object.name),
    )
  return (object) => has(object) || has(unhashed(object))
}

/** Builds another folder of the artifact that is pushed. */
export type Build = (folder: string) => Promise<Built>

export interface Compared extends Pruned {
  /** Who has applied it, for people. */
  readonly by: readonly string[]
}

/** Where a path of an engine starts, as builds name it. */
const folderOf = (path: string): string =>
  path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/')

/**
 * What an engine would remove of what it has applied, when this artifact comes. Undefined when a part of the artifact cannot be judged. Those
 * whose folder is not in the artifact fail and remove nothing, unless they go themselves.
 */
export const judgeApplied = async (applied: readonly Applied[], first: Built, build: Build): Promise<Compared | undefined> => {
  const builts: Built[] = [first]
  const stuck = new Set<Applied>()
  const visit = async (it: Applied): Promise<boolean> => {
    const folder = folderOf(it.path)
    if (builts.some(({ folders }) => folders.has(folder))) return true
    const built = await build(folder)
    if (built.problems.some(({ text }) => text.startsWith('the start folder'))) stuck.add(it)
    else builts.push(built)
    return built.whole || stuck.has(it)
  }
  const isOwned = ({ self }: Applied): boolean => {
    const same = finder([self], [])
    return applied.some(({ objects }) => objects.some(same))
  }
  const owned = new Set(applied.filter(isOwned))
  for (const it of applied) if (!owned.has(it) && !(await visit(it))) return undefined
  const names = applied.map((it) => it.names).filter((it) => Object.values(it).some((value) => value !== undefined && value !== ''))
  const staying = (): ((object: Named) => boolean) =>
    finder(
      builts.flatMap(({ objects }) => objects),
      names,
    )
  // those that another one brings: what stays of them is built as well, which may bring further ones
  const left = new Set(owned)
  for (let again = true; again;) {
    again = false
    const stays = staying()
    for (const it of left) {
      if (!stays(it.self)) continue
      left.delete(it)
      again = true
      if (!(await visit(it))) return undefined
    }
  }
  if (!builts.every(({ whole }) => whole)) return undefined
  const stays = staying()
  const from = applied.filter((it) => it.prunes && !stuck.has(it))
  const removable = [
    ...new Map(from.flatMap(({ objects }) => objects).map((it) => [`${kindOf(it)}/${it.namespace}/${it.name}`, it])).values(),
  ]
  const gone = removable.filter((it) => !stays(it))
  const by = from.filter(({ objects }) => objects.some((it) => gone.includes(it))).map((it) => it.by)
  return { ...judgeGone(gone, removable.length), by }
}

const KEEPING = ['kustomize.toolkit.fluxcd.io/prune', 'kustomize.toolkit.fluxcd.io/reconcile']

/** Those of the objects that the engine was told, in the cluster, to leave alone. */
export const keptOf = async (kube: Kube, objects: readonly Named[]): Promise<ReadonlySet<Named>> => {
  const kept = new Set<Named>()
  await Promise.all(
    (objects as readonly AppliedObject[]).map(async (it) => {
      const { group, version, kind, namespace, name } = it
      const path = collection(group === '' ? version : `${group}/${version}`, pluralOf(kind), namespace === '' ? undefined : namespace)
      const { annotations = {}, labels = {} } = (await kube.get(`${path}/${name}`))?.metadata ?? {}
      if (KEEPING.some((key) => [annotations[key], labels[key]].some((value) => value?.toLowerCase() === 'disabled'))) kept.add(it)
    }),
  )
  return kept
}
