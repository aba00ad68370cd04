import { lstat, mkdir, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isKsailError, KsailError } from '../base/errors.ts'
import { refusalOf } from '../base/refusal.ts'
import { exists, makeFolder } from '../io/files.ts'
import { host } from '../io/host.ts'
import { isAlive } from '../io/processes.ts'
import type { Files } from './layers.ts'

export interface Written {
  /** Relative to the folder, with `/`. */
  readonly path: string
  readonly action: 'created' | 'kept' | 'overwrote'
}

const actionFor = async (place: string, force: boolean): Promise<Written['action']> => {
  if (!(await exists(place))) return 'created'
  if ((await lstat(place)).isDirectory())
    throw new KsailError('conflict', `${place} is a folder where a file has to be`, { hint: 'move it away' })
  return force ? 'overwrote' : 'kept'
}

/** A new folder on the same disk, in the one that git ignores. What killed runs left there goes. */
const stageIn = async (parent: string): Promise<string> => {
  for (const name of await readdir(parent)) {
    const pid = /^init-(\d+)$/.exec(name)?.[1]
    if (pid !== undefined && (Number(pid) === host.pid || !isAlive(Number(pid))))
      await rm(join(parent, name), { recursive: true, force: true })
  }
  const stage = join(parent, `init-${host.pid}`)
  await mkdir(stage)
  return stage
}

/** What `writeFiles` would do; writes nothing. */
export const lookAt = async (
  folder: string,
  files: Files,
  { force = false }: { readonly force?: boolean | undefined },
): Promise<readonly Written[]> => {
  const written: Written[] = []
  for (const path of files.keys()) written.push({ path, action: await actionFor(join(folder, path), force) })
  return written
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
  const written = await lookAt(folder, files, { force })
  const moves = written.filter(({ action }) => action !== 'kept')
  if (moves.length === 0) return written
  const undos: (() => Promise<unknown>)[] = []
  const ensureFolder = async (path: string): Promise<void> => {
    const first = await makeFolder(path)
    if (first !== undefined) undos.push(() => rm(first, { recursive: true, force: true }))
  }
  const own = join(folder, '.ksail')
  let stage: string | undefined
  try {
    await ensureFolder(own)
    stage = await stageIn(own)
    for (const [index, { path }] of moves.entries()) await writeFile(join(stage, `${index}.new`), files.get(path) ?? '')
    for (const [index, { path, action }] of moves.entries()) {
      const [place, old] = [join(folder, path), join(stage, `${index}.old`)]
      await ensureFolder(dirname(place))
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
    if (isKsailError(error)) throw error
    throw new KsailError(
      'failed',
      `the files of the project could not be written to ${folder}: ${refusalOf(error as NodeJS.ErrnoException).message}`,
      {
        cause: error,
        hint: 'see what is in the way; nothing was changed',
      },
    )
  } finally {
    if (stage !== undefined) await rm(stage, { recursive: true, force: true })
    // it stays when it holds something else
    await rmdir(own).catch(() => undefined)
  }
}
