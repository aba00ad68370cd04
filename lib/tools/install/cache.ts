import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { chmod, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { KsailError } from '../../base/errors.ts'
import { whyRefused } from '../../base/refusal.ts'
import type { Context } from '../../base/context.ts'
import { asideOf, makeFolder, readJson, writeJson } from '../../io/files.ts'
import { cacheFolder } from '../../io/folders.ts'
import { host } from '../../io/host.ts'
import { withLock } from '../../io/lock.ts'

/** What is known of a program in the cache; written last, so that without it nothing is installed. */
interface Receipt {
  readonly sha256: string
  readonly size: number
  /** `download`, `image` or `go`. */
  readonly source: string
  /** A url, an image, or the module and its version. */
  readonly from: string
  readonly time: string
}

/** A place in the cache for one build of a program: another pin or another recipe is another place. */
export interface Slot {
  readonly tool: string
  readonly version: string
  /** The pin's hash, or that of the recipe. */
  readonly hash: string
}

const root = (ctx: Pick<Context, 'env'>): string => ctx.env['KSAIL_TOOLS_DIR'] || join(cacheFolder(ctx.env), 'tools', 'v1')

export const folderOf = (ctx: Pick<Context, 'env'>, { tool, version, hash }: Slot): string =>
  join(root(ctx), tool, version.replaceAll(/[^\w.+-]/g, '_'), `${host.platform}-${host.arch}-${hash.slice(0, 12)}`)

const fileName = (tool: string): string => (host.platform === 'win32' ? `${tool}.exe` : tool)

/** The path of a program that is installed whole; undefined otherwise. */
export const cached = async (ctx: Pick<Context, 'env'>, slot: Slot): Promise<string | undefined> => {
  const folder = folderOf(ctx, slot)
  const receipt = await readJson<Receipt>(join(folder, 'receipt.json')).catch(() => undefined)
  if (receipt === undefined) return undefined
  const path = join(folder, fileName(slot.tool))
  const { size } = await stat(path).catch(() => ({ size: -1 }))
  return size === receipt.size ? path : undefined
}

const sha256Of = async (path: string): Promise<string> => {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

/** Where a file grows that a transfer has not brought whole yet: the next process goes on with it. */
export const partOf = (ctx: Pick<Context, 'env'>, { hash }: Slot): string => join(root(ctx), '.parts', hash.slice(0, 40))

/** What this process is at, by its place in the cache. */
const underWay = new Map<string, Promise<unknown>>()

/** What a disk says when it cannot be written to, as an error that names the cache and the way around it. */
const orUnwritable =
  (ctx: Pick<Context, 'env'>) =>
  (error: unknown): never => {
    const why = whyRefused(error as NodeJS.ErrnoException)
    if (why === undefined) throw error
    throw new KsailError('failed', `the cache ${root(ctx)} cannot be written: ${why}`, {
      hint: 'make room there or change its permissions, or set KSAIL_TOOLS_DIR to another folder',
      cause: error,
    })
  }

/** Does for a place in the cache what is done by nobody else meanwhile, here or in another ksail: who asks again waits for the same. */
export const once = <T>(ctx: Context, path: string, what: string, work: () => Promise<T>): Promise<T> => {
  const known = underWay.get(path) as Promise<T> | undefined
  if (known !== undefined) return known
  const mine = withLock(ctx, `${path}.lock`, what, work)
    .catch(orUnwritable(ctx))
    .finally(() => underWay.delete(path))
  underWay.set(path, mine)
  return mine
}

/** A folder on the disk of the cache in which something is made; removed afterwards, and later when the process was killed. */
export const inStaging = async <T>(ctx: Pick<Context, 'env'>, work: (folder: string) => Promise<T>): Promise<T> => {
  const folder = await asideOf(join(root(ctx), '.staging', 'any'))
  await makeFolder(folder)
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Moves a finished program into its place. Who comes second finds the other's, which is as good. */
export const install = async (
  ctx: Pick<Context, 'env'>,
  slot: Slot,
  made: string,
  from: Pick<Receipt, 'source' | 'from'>,
): Promise<string> =>
  inStaging(ctx, async (staging) => {
    const program = join(staging, fileName(slot.tool))
    await rename(made, program)
    await chmod(program, 0o755)
    const receipt: Receipt = { sha256: await sha256Of(program), size: (await stat(program)).size, ...from, time: new Date().toISOString() }
    await writeJson(join(staging, 'receipt.json'), receipt)
    const folder = folderOf(ctx, slot)
    await makeFolder(dirname(folder))
    const winner = await cached(ctx, slot)
    if (winner !== undefined) return winner
    await rm(folder, { recursive: true, force: true })
    try {
      await rename(staging, folder)
    } catch (error) {
      const other = await cached(ctx, slot)
      if (other === undefined) throw error
      return other
    }
    return join(folder, fileName(slot.tool))
  })
