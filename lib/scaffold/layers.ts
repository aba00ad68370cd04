import { readdir, readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { assetRoot } from '../io/host.ts'
import { exists } from '../io/files.ts'

/** Text by path, with `/` on every system. */
export type Files = ReadonlyMap<string, string>

const read = async (folder: string): Promise<readonly (readonly [string, string])[]> => {
  if (!(await exists(folder))) return []
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => {
        const path = join(entry.parentPath, entry.name)
        // npm leaves files that begin with a dot out of a package, so that they carry an underscore here
        const name = relative(folder, path)
          .split(sep)
          .map((part) => part.replace(/^_/, '.'))
          .join('/')
        return [name, await readFile(path, 'utf8')] as const
      }),
  )
}

/**
 * The template files of a project: base, then the distribution's, then the engine's; a later one replaces an earlier one of the same path.
 * A choice without a folder adds nothing.
 */
export const templates = async ({ distribution, engine }: { readonly distribution: string; readonly engine: string }): Promise<Files> => {
  const root = join(assetRoot(), 'templates')
  const layers = await Promise.all([join(root, 'base'), join(root, 'distributions', distribution), join(root, 'engines', engine)].map(read))
  return new Map(layers.flat().toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
