import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { endComponents, findProcess, homeOf, launch, refind } from '../../../../lib/providers/host/process.ts'
import { processGroups } from '../../../../lib/io/processes.ts'
import { ensureUnit, unitOf } from '../../../../lib/providers/host/unit.ts'
import { fakeContext } from '../../../fakes/context.ts'

const running = (pid: number): boolean => {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

const groupOf = async (pid: number): Promise<readonly number[]> => (await processGroups(fakeContext({ platform: 'linux' }))).get(pid) ?? []

const start = async (script: string) => {
  const ctx = {
    ...fakeContext(),
    platform: 'linux' as const,
    sleep: (ms: number) => new Promise<void>((done) => void setTimeout(done, ms)),
  }
  const unit = unitOf(ctx, 'dev', 'control-plane')
  await ensureUnit(unit, {})
  const program = join(mkdtempSync(join(tmpdir(), 'shim-')), 'etcd')
  const told = `${program}.pids`
  writeFileSync(program, `#!/bin/sh\n${script}\n`)
  chmodSync(program, 0o755)
  const env = { PATH: process.env['PATH'] ?? '', HOME: homeOf(unit), TOLD: told }
  const { pid } = await launch(ctx, unit, 'etcd', program, [], env)
  const pids = (): number[] => readFileSync(told, { encoding: 'utf8', flag: 'a+' }).split('\n').filter(Boolean).map(Number)
  await expect.poll(() => pids().length).toBeGreaterThan(0)
  return { ctx, unit, pid, pids }
}

// what other systems know of a process is less
describe.skipIf(process.platform !== 'linux')('a program that is a script', () => {
  it.each([
    ['becomes the real one', 'echo $$ > "$TOLD"; exec sleep 1000'],
    ['starts the real one', 'sleep 1000 & echo $! > "$TOLD"; wait'],
  ])('and %s is found and ended like any other', async (_, script) => {
    const { ctx, unit, pid, pids } = await start(script)
    await expect.poll(() => findProcess(ctx, unit, 'etcd')).toBe(pid)
    expect(await refind(ctx, unit, 'etcd')).toBe(pid)
    await endComponents(ctx, unit, ['etcd'], 0)
    expect(await findProcess(ctx, unit, 'etcd')).toBeUndefined()
    await expect.poll(() => [pid, ...pids()].filter(running)).toEqual([])
  })

  // the signal ends the script at once; what it started takes no notice of it
  it('and starts a real one that does not mind SIGTERM leaves nothing', async () => {
    const { ctx, unit, pid, pids } = await start(`(trap '' TERM; echo $$; while :; do sleep 0.1; done) > "$TOLD" & wait`)
    await endComponents(ctx, unit, ['etcd'], 200)
    expect(running(pid)).toBe(false)
    expect(pids().length).toBe(1)
    expect(await groupOf(pid)).toEqual([])
  })

  it('and was killed leaves nothing when its component is ended', async () => {
    const { ctx, unit, pid, pids } = await start('sleep 1000 & echo $! > "$TOLD"; wait')
    process.kill(pid, 'SIGKILL')
    await expect.poll(() => findProcess(ctx, unit, 'etcd')).toBeUndefined()
    expect(pids().filter(running)).toHaveLength(1)
    await endComponents(ctx, unit, ['etcd'], 0)
    expect(pids().filter(running)).toEqual([])
  })

  it('of another cluster is left alone', async () => {
    const { ctx, unit, pid } = await start('echo $$ > "$TOLD"; exec sleep 1000')
    const other = unitOf(ctx, 'other', 'control-plane')
    await ensureUnit(other, {})
    await endComponents(ctx, other, ['etcd'], 0)
    expect(running(pid)).toBe(true)
    await endComponents(ctx, unit, ['etcd'], 0)
  })
})
