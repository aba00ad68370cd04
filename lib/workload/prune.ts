import { join } from 'node:path'
import type { Artifact } from '../artifact/build.ts'
import { readFacts, type Described } from '../artifact/facts.ts'
import { layoutFolder, readLayer } from '../artifact/layout.ts'
import { buildTree } from '../artifact/validate.ts'
import type { Context } from '../base/context.ts'
import { isKsailError, KsailError, messageOf } from '../base/errors.ts'
import { readJson, writeJson } from '../io/files.ts'
import { privateFolder } from '../io/private.ts'
import * as oras from '../tools/oras.ts'
import type { Remote } from './remote.ts'

/** The identity of an object for the engine: a new version of its API is the same object. */
export type Identity = Pick<Described, 'group' | 'kind' | 'namespace' | 'name'> & { readonly keep?: true }

const idOf = ({ group, kind, namespace, name }: Identity): string =>
  `${kind}${group === '' ? '' : `.${group}`} ${namespace === '' ? '' : `${namespace}/`}${name}`

const PRECIOUS = (it: Identity): boolean =>
  (it.kind === 'Namespace' && it.group === '') || (it.kind === 'CustomResourceDefinition' && it.group === 'apiextensions.k8s.io')

interface Pruned {
  /** Objects that the engine would remove. */
  readonly gone: readonly string[]
  /** Why that is too much; undefined: it is not. */
  readonly why: string | undefined
}

/** What an engine would remove when `after` takes the place of `before`, and whether that is more than an edit usually means. */
export const judgePrune = (before: readonly Identity[], after: readonly Identity[]): Pruned => {
  const stays = new Set(after.map(idOf))
  const removable = [...new Map(before.filter(({ keep }) => keep !== true).map((it) => [idOf(it), it])).values()]
  const gone = removable.filter((it) => !stays.has(idOf(it)))
  const precious = gone.filter(PRECIOUS)
  const why =
    precious.length > 0
      ? `it would remove ${precious.map(idOf).join(', ')} with everything in it`
      : gone.length >= 5 && gone.length > removable.length / 2
        ? `it would remove ${gone.length} of ${removable.length} objects`
        : undefined
  return { gone: gone.map(idOf), why }
}

const identities = (objects: readonly Described[]): Identity[] =>
  objects.map(({ group, kind, namespace, name, keep }) => ({ group, kind, namespace, name, ...(keep === true ? { keep } : {}) }))

const KEPT = 20

type Remembered = Readonly<Record<string, readonly Identity[]>>
const memoryFile = (memory: string): string => join(memory, 'objects.json')
// only a memory: what is missing in it is built again
const readMemory = (memory: string): Promise<Remembered> =>
  readJson<Remembered>(memoryFile(memory)).then(
    (it) => it ?? {},
    () => ({}),
  )

/** Remembers what an artifact makes of a cluster, so that the next push can compare without building it again. */
export const rememberObjects = async (
  { memory, digest }: Pick<Artifact, 'memory' | 'digest'>,
  start: string,
  objects: readonly Described[],
): Promise<void> => {
  const key = `${digest} ${start}`
  const { [key]: known, ...others } = await readMemory(memory)
  if (known !== undefined) return
  await writeJson(memoryFile(memory), Object.fromEntries([[key, identities(objects)], ...Object.entries(others)].slice(0, KEPT))).catch(
    () => undefined,
  )
}

/** What the artifact with that digest makes of a cluster; fetched when this project does not have it any more. */
const objectsOf = async (
  ctx: Context,
  remote: Remote,
  { artifacts, memory }: Pick<Artifact, 'artifacts' | 'memory'>,
  digest: string,
  start: string,
): Promise<readonly Identity[] | undefined> => {
  const known = (await readMemory(memory))[`${digest} ${start}`]
  if (Array.isArray(known)) return known
  const folder = layoutFolder(artifacts, digest)
  let layer = await readLayer(folder, digest)
  if (layer === undefined) {
    const aside = await privateFolder(ctx, 'fetch')
    try {
      await remote.retry(`could not read ${remote.repository}@${digest}`, (timeout) =>
        oras.copyToLayout(ctx, `${remote.repository}@${digest}`, aside.path, { ...remote.access, timeout }),
      )
      layer = await readLayer(aside.path, digest)
    } finally {
      await aside.remove()
    }
  }
  if (layer === undefined) return undefined
  const { unpack } = await import('../artifact/pack.ts')
  const entries = unpack(layer)
  const { objects } = await buildTree({ entries, facts: await readFacts(entries, undefined), start, remember: memory }, ctx)
  return identities(objects)
}

export interface PruneOptions {
  readonly artifact: Pick<Artifact, 'artifacts' | 'memory' | 'digest'>
  readonly objects: readonly Described[]
  readonly start: string
  /** What the tags name that are about to move. */
  readonly digests: readonly string[]
  readonly allowPrune: boolean
}

/** Refuses an artifact that would make the engine remove more than an edit usually means: compared with what the moving tags hold now. */
export const guardPrune = async (
  ctx: Context,
  remote: Remote,
  { artifact, objects, start, digests, allowPrune }: PruneOptions,
): Promise<void> => {
  const after = identities(objects)
  for (const digest of new Set(digests)) {
    if (digest === artifact.digest) continue
    let before: readonly Identity[] | undefined
    try {
      before = await objectsOf(ctx, remote, artifact, digest, start)
    } catch (error) {
      if (isKsailError(error, 'interrupted', 'terminated')) throw error
      ctx.report({ kind: 'warn', text: `what the push would remove was not compared with ${digest.slice(0, 19)}: ${messageOf(error)}` })
    }
    if (before === undefined) continue
    const { gone, why } = judgePrune(before, after)
    if (why === undefined) continue
    if (!allowPrune)
      throw new KsailError('refused', `refused to push: ${why}`, {
        reason: 'prune',
        details: gone.slice(0, 20),
        hint: 'look at what is missing, or pass --allow-prune',
      })
    ctx.report({ kind: 'warn', text: `${why} (allowed by --allow-prune)` })
  }
}
