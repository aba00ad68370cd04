import { mkdir, mkdtemp, readdir, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawn, spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { privateFolder } from '../../../lib/io/private.ts'
import { fakeContext } from '../../fakes/context.ts'

const at = (home: string) => fakeContext({ env: { XDG_STATE_HOME: home } })
const state = (): Promise<string> => mkdtemp(join(tmpdir(), 'state-'))

it('makes a folder for this user alone below the state folder, and removes it', async () => {
  const home = await state()
  const folder = await privateFolder(at(home), 'kube')
  expect(folder.path).toMatch(new RegExp(`^${home}/ksail/run/${process.pid}-[0-9a-f]{8}-kube$`))
  expect((await stat(folder.path)).mode & 0o777).toBe(0o700)
  await folder.remove()
  expect(await readdir(join(home, 'ksail', 'run'))).toEqual([])
})

it('sweeps the folders of processes that are gone, and no others', async () => {
  const home = await state()
  const run = join(home, 'ksail', 'run')
  const dead = spawnSync(process.execPath, ['-e', '0']).pid
  for (const name of [`${dead}-0123abcd-x`, `${process.ppid}-0123abcd-x`, 'notes']) await mkdir(join(run, name), { recursive: true })
  const folder = await privateFolder(at(home), 'kube')
  expect((await readdir(run)).map((name) => join(run, name)).toSorted()).toEqual(
    [join(run, `${process.ppid}-0123abcd-x`), folder.path, join(run, 'notes')].toSorted(),
  )
})

it('ends programs that still serve a socket in the folder of a process that is gone', async () => {
  const home = await state()
  const dead = spawnSync(process.execPath, ['-e', '0']).pid
  const folder = join(home, 'ksail', 'run', `${dead}-0123abcd-kube`)
  await mkdir(folder, { recursive: true })
  const serve = (socket: string) => spawn(process.execPath, ['-e', 'setInterval(() => 0, 1000)', socket], { stdio: 'ignore' })
  const [orphan, other] = [serve(join(folder, 's')), serve(join(home, 's'))]
  const ended = new Promise((resolve) => orphan.once('exit', (_, signal) => resolve(signal)))
  await privateFolder(at(home), 'kube')
  expect(await ended).toMatch(/^SIG(TERM|KILL)$/)
  expect(other.exitCode ?? other.signalCode).toBe(null)
  other.kill()
})

it('stays short enough for a unix socket when asked to', async () => {
  const home = join(await state(), 'a'.repeat(80))
  const folder = await privateFolder(at(home), 'proxy', { short: true })
  expect(Buffer.byteLength(folder.path)).toBeLessThanOrEqual(90)
  expect((await stat(folder.path)).mode & 0o777).toBe(0o700)
  await folder.remove()
  const usual = await privateFolder(at(home), 'proxy')
  expect(usual.path.startsWith(home)).toBe(true)
})
