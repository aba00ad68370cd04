import { randomBytes } from 'node:crypto'
import { chmod, lstat, mkdir, readdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { KsailError, messageOf } from '../base/errors.ts'
import { host } from './host.ts'
import { isAlive } from './processes.ts'

const missing = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')

/** What goes wrong after the opening of a file does not say which one. */
const naming = (path: string, error: unknown): unknown => (error instanceof Error ? Object.assign(error, { path }) : error)

/** The text of a file; undefined when there is none. Anything else that is wrong with it is thrown. */
export const readText = async (path: string): Promise<string | undefined> => {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (missing(error)) return undefined
    throw naming(path, error)
  }
}

export const exists = async (path: string): Promise<boolean> => {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (missing(error)) return false
    throw error
  }
}

/** Whether two paths are one place under two names; what is gone is where it is written. */
export const isSamePlace = async (...paths: readonly [string, string]): Promise<boolean> => {
  const [one, two] = await Promise.all(paths.map((path) => realpath(path).catch(() => path)))
  return one === two
}

/**
 * Makes a folder and those above it; tells the first one that it made. Node's own recursive way never ends where a folder is there and
 * takes no other, as below /proc or behind a link that leads nowhere (nodejs/node#28599), and calls a full disk a missing file (#42808).
 */
export const makeFolder = async (path: string, mode?: number): Promise<string | undefined> => {
  const make = async (): Promise<boolean> => {
    try {
      await mkdir(path, { mode })
      return true
    } catch (error) {
      if ((await stat(path).catch(() => undefined))?.isDirectory() === true) return false
      throw error
    }
  }
  try {
    return (await make()) ? path : undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error
    const first = await makeFolder(dirname(path), mode)
    return (await make()) ? (first ?? path) : first
  }
}

const ASIDE = /^\.(\d+)-[0-9a-f]{12}\.tmp$/
const swept = new Set<string>()

/** Removes the halves in a folder that killed processes left, once for each folder. */
export const sweepHalves = async (folder: string): Promise<void> => {
  if (swept.has(folder)) return
  swept.add(folder)
  const names = await readdir(folder).catch(() => [])
  const left = names.filter((name) => ASIDE.test(name) && !isAlive(Number(ASIDE.exec(name)?.[1])))
  // what another one sweeps at this moment, or another user's, is no failure of ours
  await Promise.all(left.map((name) => rm(join(folder, name), { recursive: true, force: true }).catch(() => undefined)))
}

/** A free name beside a file, for what is renamed to it when it is whole. The folder is made. */
export const asideOf = async (path: string): Promise<string> => {
  const folder = dirname(path)
  await makeFolder(folder)
  await sweepHalves(folder)
  return join(folder, `.${host.pid}-${randomBytes(6).toString('hex')}.tmp`)
}

/** Writes aside and renames: readers see the old text or the new one, a kill leaves the old one. */
export const writeText = async (path: string, text: string | Uint8Array, mode?: number): Promise<void> => {
  const aside = await asideOf(path)
  try {
    await writeFile(aside, text, mode === undefined ? {} : { mode })
    if (mode !== undefined) await chmod(aside, mode)
    await rename(aside, path)
  } catch (error) {
    await rm(aside, { force: true })
    throw naming(path, error)
  }
}

export const readJson = async <T>(path: string): Promise<T | undefined> => {
  const text = await readText(path)
  try {
    return text === undefined ? undefined : (JSON.parse(text) as T)
  } catch (cause) {
    // as after the power failed
    throw new KsailError('config', `${path} is damaged: ${messageOf(cause)}`, {
      cause,
      hint: 'remove that file, then run the command again',
    })
  }
}

export const writeJson = (path: string, value: unknown, mode?: number): Promise<void> =>
  writeText(path, `${JSON.stringify(value, undefined, 2)}\n`, mode)
