import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { KsailError, messageOf } from '../base/errors.ts'
import { exists } from '../io/files.ts'
import type { Files } from './layers.ts'

export interface Written {
  /** Relative to the folder, with `/`. */
  readonly path: string
  readonly action: 'created' | 'kept' | 'overwrote'
}

/**
 * Writes files into a folder: one that exists is kept, with `force` it is overwritten. All are written aside first and then moved into place;
 * when that fails half way everything is as it was.
 */
export const writeFiles = async (
  folder: string,
  files: Files,
  { force = false }: { readonly force?: boolean | undefined },
): Promise<readonly Written[]> => {
  const undos: (() => Promise<unknown>)[] = []
  const makeFolder = async (path: string): Promise<void> => {
    const first = await mkdir(path, { recursive: true })
    if (first !== undefined) undos.push(() => rm(first, { recursive: true, force: true }))
  }
  let stage: string | undefined
  try {
    const written: Written[] = []
    for (const path of files.keys())
      written.push({ path, action: !(await exists(join(folder, path))) ? 'created' : force ? 'overwrote' : 'kept' })
    const moves = written.filter(({ action }) => action !== 'kept')
    if (moves.length === 0) return written
    await makeFolder(folder)
    stage = await mkdtemp(join(folder, '.ksail-init-'))
    for (const [index, { path }] of moves.entries()) await writeFile(join(stage, `${index}.new`), files.get(path) ?? '')
    for (const [index, { path, action }] of moves.entries()) {
      const [place, old] = [join(folder, path), join(stage, `${index}.old`)]
      await makeFolder(dirname(place))
      if (action === 'overwrote') {
        await rename(place, old)
        undos.push(() => rename(old, place))
      }
      await rename(join(stage, `${index}.new`), place)
      undos.push(() => rm(place, { force: true }))
    }
    return written
  } catch (error) {
    for (const undo of undos.toReversed()) await undo()
    throw new KsailError('failed', `the files of the project could not be written to ${folder}: ${messageOf(error)}`, {
      cause: error,
      hint: 'see what is in the way; nothing was changed',
    })
  } finally {
    if (stage !== undefined) await rm(stage, { recursive: true, force: true })
  }
}
