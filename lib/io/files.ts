import { randomBytes } from 'node:crypto'
import { chmod, lstat, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

const missing = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')

/** The text of a file; undefined when there is none. Anything else that is wrong with it is thrown. */
export const readText = async (path: string): Promise<string | undefined> => {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (missing(error)) return undefined
    throw error
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

/** Writes aside and renames: readers see the old text or the new one, a kill leaves the old one. */
export const writeText = async (path: string, text: string | Uint8Array, mode?: number): Promise<void> => {
  await mkdir(dirname(path), { recursive: true })
  const aside = join(dirname(path), `.${randomBytes(6).toString('hex')}.tmp`)
  try {
    await writeFile(aside, text, mode === undefined ? {} : { mode })
    if (mode !== undefined) await chmod(aside, mode)
    await rename(aside, path)
  } catch (error) {
    await rm(aside, { force: true })
    throw error
  }
}

export const readJson = async <T>(path: string): Promise<T | undefined> => {
  const text = await readText(path)
  return text === undefined ? undefined : (JSON.parse(text) as T)
}

export const writeJson = (path: string, value: unknown, mode?: number): Promise<void> => writeText(path, `${JSON.stringify(value, undefined, 2)}\n`, mode)
