import { join } from 'node:path'
import type { Artifact } from '../artifact/build.ts'
import { readFacts, type Described } from '../artifact/facts.ts'
import { layoutFolder, readLayer } from '../artifact/layout.ts'
import { buildTree, type Built } from '../artifact/validate.ts'
import type { Context } from '../base/context.ts'
import { readJson, writeJson } from '../io/files.ts'
import { privateFolder } from '../io/private.ts'
import * as oras from '../tools/oras.ts'
import type { Identity } from './prune-judge.ts'
import type { Remote } from './remote.ts'

export const identities = (objects: readonly Described[]): Identity[] =>
  objects.map(({ group, kind, namespace, name, keep }) => ({ group, kind, namespace, name, ...(keep === true ? { keep } : {}) }))

const KEPT = 20

interface Made {
  readonly objects: readonly Identity[]
  /** As `Built` has it. */
  readonly rest: string
}

type Remembered = Readonly<Record<string, Made>>
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
  { objects, rest }: Pick<Built, 'objects' | 'rest'>,
): Promise<void> => {
  const key = `${digest} ${start}`
  const { [key]: known, ...others } = await readMemory(memory)
  if (known !== undefined) return
  await writeJson(
    memoryFile(memory),
    Object.fromEntries([[key, { objects: identities(objects), rest }], ...Object.entries(others)].slice(0, KEPT)),
  ).catch(() => undefined)
}

/** What the artifact with that digest makes of a cluster, as far as it is remembered. */
export const rememberedObjects = async (memory: string, digest: string, start: string): Promise<Made | undefined> => {
  const known = (await readMemory(memory))[`${digest} ${start}`]
  return Array.isArray(known?.objects) ? known : undefined
}

/** What the artifact with that digest makes of a cluster; fetched when this project does not have it any more. */
export const objectsOf = async (
  ctx: Context,
  remote: Remote,
  { artifacts, memory }: Pick<Artifact, 'artifacts' | 'memory'>,
  digest: string,
  start: string,
): Promise<readonly Identity[] | undefined> => {
  const known = await rememberedObjects(memory, digest, start)
  if (known !== undefined) return known.objects
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
