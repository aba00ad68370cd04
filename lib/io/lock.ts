import { open, readFile, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { KsailError } from '../base/errors.ts'
import type { Context } from '../base/context.ts'
import { makeFolder } from './files.ts'
import { host } from './host.ts'
import { isAlive, startOf } from './processes.ts'

/** As long as a build of a large program takes on a slow machine, or its download on a slow network. */
const LIMIT = 60 * 60_000

const take = async (path: string): Promise<boolean> => {
  await makeFolder(dirname(path))
  const file = await open(path, 'wx').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  if (file === undefined) return false
  try {
    await file.writeFile(`${host.pid} ${(await startOf(host.pid)) ?? ''}`)
  } catch (error) {
    // on a full disk the lock stays without a number: nobody could stop or remove anything to make room otherwise
    if (['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')) return true
    await rm(path, { force: true })
    throw Object.assign(error as Error, { path })
  } finally {
    await file.close()
  }
  return true
}

/** The process that holds the lock; undefined when it is gone, or was killed before it wrote its number. */
export const holder = async (path: string): Promise<number | undefined> => {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const [pid, start] = text.split(' ')
  const number = Number(pid)
  if (!Number.isInteger(number) || number <= 0 || !isAlive(number)) return undefined
  return start === '' || start === ((await startOf(number)) ?? '') ? number : undefined
}

/** Does the work while no other ksail does the same: waits for one that lives, takes over from one that was killed. */
export const withLock = async <T>(ctx: Context, path: string, what: string, work: () => Promise<T>): Promise<T> => {
  const start = ctx.now()
  let said: string | undefined
  let empty = 0
  while (!(await take(path))) {
    const pid = await holder(path)
    // an empty file may be one that is being written at this moment: only a lasting one is a leftover
    if (pid === undefined && ++empty > 3) {
      await rm(path, { force: true })
      empty = 0
    } else if (pid !== undefined) {
      empty = 0
      if (said === undefined) {
        said = `waiting for another ksail (process ${pid}) that works on ${what}`
        ctx.report({ kind: 'step', text: said })
      }
      if (ctx.now() - start > LIMIT)
        throw new KsailError('conflict', `another ksail (process ${pid}) works on ${what}`, { hint: 'wait for it, or end it' })
    }
    await ctx.sleep(pid === undefined ? 20 : 200)
  }
  if (said !== undefined) ctx.report({ kind: 'done', text: said, ms: ctx.now() - start })
  try {
    return await work()
  } finally {
    await rm(path, { force: true })
  }
}
