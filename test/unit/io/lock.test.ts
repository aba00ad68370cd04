import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { exists } from '../../../lib/io/files.ts'
import { withLock } from '../../../lib/io/lock.ts'
import { fakeContext, tempFolder } from '../../fakes/context.ts'

const place = (): string => join(tempFolder(), 'locks', 'dev.lock')

it('lets one work at a time, and says for whom the other waits', async () => {
  const [path, ctx, log] = [place(), fakeContext(), [] as string[]]
  let release!: () => void
  const first = withLock(ctx, path, 'cluster dev', async () => {
    log.push('first in')
    await new Promise<void>((resolve) => (release = resolve))
    log.push('first out')
  })
  const second = withLock(ctx, path, 'cluster dev', async () => void log.push('second'))
  await expect.poll(() => ctx.texts().join()).toContain(`waiting for another ksail (process ${process.pid}) that works on cluster dev`)
  release()
  await Promise.all([first, second])
  expect(log).toEqual(['first in', 'first out', 'second'])
  // the wait has an end for those who watch
  expect(ctx.events.map(({ kind }) => kind)).toEqual(['step', 'done'])
  expect(await exists(path)).toBe(false)
})

it.each([
  ['a dead process', '4194303 1'],
  ['a process that has another start', `${process.pid} 1`],
  ['a killed one that wrote nothing', ''],
])('takes over from %s', async (_, text) => {
  const path = place()
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  expect(await withLock(fakeContext(), path, 'x', async () => 'done')).toBe('done')
})

it('lets go when the work fails', async () => {
  const path = place()
  await expect(withLock(fakeContext(), path, 'x', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(await exists(path)).toBe(false)
})
