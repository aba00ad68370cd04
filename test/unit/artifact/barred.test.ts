import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { buildArtifact } from '../../../lib/artifact/build.ts'
import { fakeContext } from '../../fakes/context.ts'
import { sample } from '../../topics/artifact.ts'

const barred = vi.hoisted(() => new Set<string>())

// root, who runs tests in many places, may write everywhere: the system says no here as it does to others
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>()
  const access: typeof real.access = async (path, mode) => {
    if (barred.has(String(path))) throw Object.assign(new Error('EACCES'), { code: 'EACCES', syscall: 'access', path })
    return real.access(path, mode)
  }
  return { ...real, access }
})

it('keeps layouts elsewhere when those of the project may not be written', async () => {
  const folder = sample()
  const own = join(folder, '.ksail', 'artifacts')
  mkdirSync(own, { recursive: true })
  barred.add(own)
  const ctx = fakeContext()
  const built = await buildArtifact({ source: join(folder, 'k8s'), project: folder }, ctx)
  expect(built.folder.startsWith(join(ctx.env['XDG_STATE_HOME']!, 'ksail', 'projects'))).toBe(true)
})
