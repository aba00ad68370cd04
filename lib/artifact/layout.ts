import { createHash } from 'node:crypto'
import { access, constants, lstat, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Context } from '../base/context.ts'
import { KsailError } from '../base/errors.ts'
import { asideOf, makeFolder, readJson, writeJson } from '../io/files.ts'
import { stateFolder } from '../io/folders.ts'

/** Media types that Flux reads and writes. */
export const MEDIA = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.cncf.flux.config.v1+json',
  layer: 'application/vnd.cncf.flux.content.v1.tar+gzip',
} as const

const CONFIG = Buffer.from('{}')

export const digestOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/** The manifest of an artifact with that layer: keys in a fixed order, no white space, a fixed time, so that its digest depends on the layer alone. */
export const manifestOf = (layer: Uint8Array): Uint8Array =>
  Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA.manifest,
      config: { mediaType: MEDIA.config, digest: digestOf(CONFIG), size: CONFIG.length },
      layers: [{ mediaType: MEDIA.layer, digest: digestOf(layer), size: layer.length }],
      annotations: { 'org.opencontainers.image.created': '1970-01-01T00:00:00Z' },
    }),
  )

const hexOf = (digest: string): string => digest.replace(/^sha256:/, '')
const blobPath = (folder: string, digest: string): string => join(folder, 'blobs', 'sha256', hexOf(digest))

/** What lies where a folder should be, in words. */
const obstacleOf = async (paths: readonly string[]): Promise<string | undefined> => {
  for (const path of paths) {
    const there = await lstat(path).catch(() => undefined)
    const leads = await stat(path).catch(() => undefined)
    if (there !== undefined && leads?.isDirectory() !== true)
      return `${path} is ${there.isSymbolicLink() ? `a link ${leads === undefined ? 'that leads nowhere' : 'to what is no folder'}` : 'no folder'}`
  }
  return undefined
}

/** Folder of the image layouts of a project; in the state folder when the project cannot be written. */
export const artifactsFolder = async (ctx: Pick<Context, 'env'>, project: string): Promise<string> => {
  const own = join(project, '.ksail', 'artifacts')
  try {
    // what ksail remembers is nothing to commit, also where no `init` wrote a .gitignore
    if ((await makeFolder(own))?.endsWith('.ksail')) await writeFile(join(project, '.ksail', '.gitignore'), '*\n')
    await access(own, constants.W_OK)
    return own
  } catch (error) {
    const obstacle = await obstacleOf([dirname(own), own])
    if (obstacle !== undefined)
      throw new KsailError('config', `${obstacle}: ksail keeps there what it packs`, { cause: error, hint: 'move it away, or remove it' })
    if (!['EACCES', 'EROFS', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    const other = join(stateFolder(ctx.env), 'projects', createHash('sha256').update(project).digest('hex').slice(0, 16), 'artifacts')
    await makeFolder(other).catch((cause: unknown) => {
      throw new KsailError('failed', `neither ${own} nor ${other} can be written`, {
        cause,
        hint: 'set XDG_STATE_HOME to a folder that can be written',
      })
    })
    return other
  }
}

/** The newest ten are kept: this one has just been wanted again. It does not matter when another process removes it here. */
const touch = (folder: string): Promise<void> => utimes(folder, new Date(), new Date()).catch(() => undefined)

/** Folder of what can be found out again, beside that of the layouts. */
export const memoryOf = (artifacts: string): string => join(dirname(artifacts), 'cache')

const isComplete = async (folder: string, manifest: Uint8Array, layer: Uint8Array): Promise<boolean> => {
  const [found, size] = await Promise.all([
    readFile(blobPath(folder, digestOf(manifest))).catch(() => undefined),
    stat(blobPath(folder, digestOf(layer))).then(
      (it) => it.size,
      () => -1,
    ),
  ])
  return found !== undefined && Buffer.compare(found, manifest) === 0 && size === layer.length
}

/** An image layout on disk. */
export interface Layout {
  readonly digest: string
  readonly folder: string
  readonly manifest: Uint8Array
  /** Bytes of the layer. */
  readonly size: number
}

/** Writes the image layout of a layer aside and renames it: another process sees all of it or nothing. The same layer is written once. */
export const writeLayout = async (artifacts: string, layer: Uint8Array): Promise<Layout> => {
  const manifest = manifestOf(layer)
  const digest = digestOf(manifest)
  const folder = join(artifacts, hexOf(digest))
  if (await isComplete(folder, manifest, layer)) {
    await touch(folder)
    return { digest, folder, manifest, size: layer.length }
  }
  const aside = await asideOf(folder)
  try {
    await makeFolder(join(aside, 'blobs', 'sha256'))
    const index = {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: [{ mediaType: MEDIA.manifest, digest, size: manifest.length }],
    }
    await Promise.all([
      writeFile(join(aside, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}'),
      writeFile(join(aside, 'index.json'), JSON.stringify(index)),
      writeFile(blobPath(aside, digestOf(CONFIG)), CONFIG),
      writeFile(blobPath(aside, digestOf(layer)), layer),
      writeFile(blobPath(aside, digest), manifest),
    ])
    await rename(aside, folder).catch(async (error: NodeJS.ErrnoException) => {
      if (!['ENOTEMPTY', 'EEXIST', 'EPERM', 'ENOTDIR'].includes(error.code ?? '')) throw error
      // another process wrote the same artifact at the same moment, or what lies there is damaged
      if (await isComplete(folder, manifest, layer)) return
      await rm(folder, { recursive: true, force: true })
      await rename(aside, folder)
    })
  } finally {
    await rm(aside, { recursive: true, force: true })
  }
  return { digest, folder, manifest, size: layer.length }
}

const packedPath = (artifacts: string): string => join(memoryOf(artifacts), 'packed.json')
/** Hash of an archive → digest of the artifact that was made of it, newest first. */
type Packed = readonly (readonly [archive: string, digest: string])[]
// only a memory: without it the archive is packed again
const readPacked = (artifacts: string): Promise<Packed> =>
  readJson<Packed>(packedPath(artifacts)).then(
    (it) => (Array.isArray(it) ? it : []),
    () => [],
  )

/** The layout that was made of an archive before, if it is still whole: packing it again costs more than reading it. */
export const findLayout = async (artifacts: string, archive: string): Promise<Layout | undefined> => {
  const digest = (await readPacked(artifacts)).find(([hash]) => hash === archive)?.[1]
  if (digest === undefined) return undefined
  const folder = layoutFolder(artifacts, digest)
  // what is damaged is made again
  const layer = await readLayer(folder, digest).catch(() => undefined)
  if (layer === undefined) return undefined
  const manifest = manifestOf(layer)
  if (digestOf(manifest) !== digest || !(await isComplete(folder, manifest, layer))) return undefined
  await touch(folder)
  return { digest, folder, manifest, size: layer.length }
}

export const rememberLayout = async (artifacts: string, archive: string, digest: string, keep: number): Promise<void> => {
  const others = (await readPacked(artifacts)).filter(([hash]) => hash !== archive)
  await writeJson(packedPath(artifacts), [[archive, digest], ...others].slice(0, keep)).catch(() => undefined)
}

/** The layer of an artifact in a layout folder; undefined when the layout is not there. Throws when its bytes are not what their digest says. */
export const readLayer = async (folder: string, digest: string): Promise<Uint8Array | undefined> => {
  const manifest = await readFile(blobPath(folder, digest)).catch(() => undefined)
  if (manifest === undefined) return undefined
  if (digestOf(manifest) !== digest)
    throw new KsailError('refused', `${folder}: the manifest is not ${digest}`, { hint: 'remove that folder' })
  const layers = (JSON.parse(manifest.toString('utf8')) as { layers?: { digest: string }[] }).layers
  const layer = layers?.[0]?.digest
  if (layer === undefined) return undefined
  const bytes = await readFile(blobPath(folder, layer)).catch(() => undefined)
  if (bytes !== undefined && digestOf(bytes) !== layer)
    throw new KsailError('refused', `${folder}: the layer is not ${layer}`, { hint: 'remove that folder' })
  return bytes
}

/** Folder of an artifact among the layouts, whether it is there or not. */
export const layoutFolder = (artifacts: string, digest: string): string => join(artifacts, hexOf(digest))

/** How long another push may still be sending a layout that it wanted (ms). */
const BUSY = 10 * 60_000

/** Keeps the newest layouts, and those that may be in use, and removes the others; those that a killed process left half-written go with the next one that is written. Never fails: it is only about room. */
export const pruneLayouts = async (artifacts: string, keep: number, spare: string): Promise<void> => {
  const names = await readdir(artifacts).catch(() => [])
  const aged = async (name: string): Promise<{ path: string; at: number }> => {
    const path = join(artifacts, name)
    return {
      path,
      at:
        path === spare
          ? Infinity
          : await stat(path).then(
              (it) => it.mtimeMs,
              () => 0,
            ),
    }
  }
  const layouts = await Promise.all(names.filter((name) => /^[0-9a-f]{64}$/.test(name)).map(aged))
  const old = layouts
    .toSorted((a, b) => b.at - a.at)
    .slice(keep)
    .filter(({ at }) => at < Date.now() - BUSY)
  await Promise.all(old.map(({ path }) => rm(path, { recursive: true, force: true }).catch(() => undefined)))
}
