import { join } from 'node:path'
import type * as files from 'node:fs/promises'
import { expect, it, vi } from 'vitest'
import { exists } from '../../../lib/io/files.ts'
import { withLock } from '../../../lib/io/lock.ts'
import { fakeContext, tempFolder } from '../../fakes/context.ts'

let code = 'ENOSPC'
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof files>()
  const open: typeof real.open = async (...args) =>
    Object.assign(await real.open(...args), { writeFile: () => Promise.reject(Object.assign(new Error(code), { code })) })
  return { ...real, open }
})

// what would make room again takes a lock, too
it('a full disk, on which no number can be written, keeps nobody from working', async () => {
  const path = join(tempFolder(), 'dev.lock')
  expect(await withLock(fakeContext(), path, 'cluster dev', () => exists(path))).toBe(true)
  expect(await exists(path)).toBe(false)
})

it('any other failure is told, and no lock stays', async () => {
  code = 'EIO'
  const path = join(tempFolder(), 'dev.lock')
  await expect(withLock(fakeContext(), path, 'cluster dev', async () => 'worked')).rejects.toMatchObject({ code: 'EIO', path })
  expect(await exists(path)).toBe(false)
})
