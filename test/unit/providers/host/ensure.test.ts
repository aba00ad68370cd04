import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createContext } from '../../../../lib/context.ts'
import { ensureComponent } from '../../../../lib/providers/host/ensure.ts'
import { isPortFree } from '../../../../lib/io/ports.ts'
import { writeText } from '../../../../lib/io/files.ts'
import { patienceOf } from '../../../../lib/providers/host/patience.ts'
import { endComponents, findProcess, logOf } from '../../../../lib/providers/host/process.ts'
import { ensureUnit, inUnit, unitOf } from '../../../../lib/providers/host/unit.ts'
import { tempFolder } from '../../../fakes/context.ts'

const SERVE = `createServer((_, answer) => answer.end()).listen(Number(readFileSync('data/registry.yml', 'utf8')), '127.0.0.1')`

/** A registry whose program is a script of Node, on a clock that goes faster, or leaps over ten minutes when something is so. */
const registryOf = async (script: string, { speed = 1, platform = process.platform } = {}) => {
  const folder = tempFolder()
  const program = join(folder, 'registry')
  writeFileSync(
    program,
    `#!${process.execPath}\nconst { createServer } = require('node:http')\nconst { readFileSync } = require('node:fs')\nsetTimeout(() => process.exit(), 120_000).unref()\n${script}\n`,
  )
  chmodSync(program, 0o755)
  let isLate = (): boolean => false
  const over = new AbortController()
  const ctx = createContext({
    platform,
    signal: over.signal,
    env: { ...process.env, XDG_STATE_HOME: folder },
    now: () => Math.round(performance.now() * speed) + (isLate() ? 600_000 : 0),
    locate: async () => program,
  })
  const unit = unitOf(ctx, 'dev', 'registry')
  await ensureUnit(unit)
  onTestFinished(() => {
    // what a test that took too long still starts would stay
    over.abort(new Error('the test is over'))
    return endComponents(ctx.cleanup(), unit, ['registry'], 0)
  })
  const ensure = async (timeout: number) =>
    (
      await ensureComponent(ctx, unit, 'registry', {
        ...patienceOf(ctx, timeout),
        prepare: ({ registry }) => writeText(inUnit(unit, 'data', 'registry.yml'), String(registry)),
      })
    ).ready
  return { ctx, unit, ensure, leapWhen: (is: () => boolean) => void (isLate = is) }
}

it('is started once for two that want it at once', async () => {
  const { unit, ensure } = await registryOf(`require('node:fs').appendFileSync('starts', 'x')\n${SERVE}`)
  const [one, two] = await Promise.all([ensure(60_000), ensure(60_000)])
  expect(two).toEqual(one)
  expect(readFileSync(inUnit(unit, 'starts'), 'utf8')).toBe('x')
  // who comes later finds it
  expect(await ensure(60_000)).toEqual(one)
})

describe('what does not get ready', () => {
  it('is waited for longer than a minute where --timeout allows it', async () => {
    const { ensure } = await registryOf(`setTimeout(() => ${SERVE}, 1000)`, { speed: 100 })
    expect(await ensure(24 * 3_600_000)).toEqual({ registry: expect.any(Number) })
  })

  it('is told when --timeout is over, with its last words and where its log is', async () => {
    const { unit, ensure, leapWhen } = await registryOf(`console.error('reading the disk'); setTimeout(() => 0, 60_000)`)
    leapWhen(() => existsSync(logOf(unit, 'registry')) && readFileSync(logOf(unit, 'registry'), 'utf8').includes('reading the disk'))
    await expect(ensure(300_000)).rejects.toMatchObject({
      code: 'timeout',
      message: expect.stringMatching(/^registry of cluster dev is not ready after 10m/),
      details: ['reading the disk'],
      hint: expect.stringMatching(new RegExp(`^process \\d+ is not ready: look at ${logOf(unit, 'registry')}$`)),
    })
  })

  it('because it has ended is told at once', async () => {
    const { ensure } = await registryOf(`console.error('no disk'); process.exitCode = 3`)
    await expect(ensure(3_600_000)).rejects.toMatchObject({
      code: 'failed',
      message: 'registry of cluster dev has ended: exit status 3',
      details: ['no disk'],
    })
  })

  it('because it panicked tells why, not where, and what helps', async () => {
    const panic = 'panic: no space left on device\\n\\ngoroutine 1 [running]:\\n' + 'main.main()\\n\\t/src/main.go:1 +0x28\\n'.repeat(20)
    const { unit, ensure } = await registryOf(`console.error('${panic}'); process.exitCode = 2`)
    await expect(ensure(3_600_000)).rejects.toMatchObject({
      details: ['panic: no space left on device'],
      hint: `make room on its disk; look at ${logOf(unit, 'registry')}`,
    })
  })

  it('because a signal has halted it says which', async () => {
    const halt = `require('node:fs').writeFileSync('halting', String(process.pid))\nprocess.kill(process.pid, 'SIGSTOP')`
    const { unit, ensure, leapWhen } = await registryOf(halt)
    const isHalted = (pid: string): boolean => execFileSync('ps', ['-o', 'state=', '-p', pid], { encoding: 'utf8' }).startsWith('T')
    leapWhen(() => {
      const path = inUnit(unit, 'halting')
      const pid = existsSync(path) ? readFileSync(path, 'utf8') : ''
      return pid !== '' && isHalted(pid)
    })
    await expect(ensure(300_000)).rejects.toMatchObject({
      code: 'timeout',
      hint: expect.stringMatching(/^process (\d+) is halted by a signal: kill -CONT \1 lets it go on$/),
    })
  })

  it('is no longer waited for when what it was for has failed', async () => {
    const { ctx, unit, ensure } = await registryOf(SERVE)
    await ensure(60_000)
    await expect(
      ensureComponent(ctx, unit, 'registry', {
        until: ctx.now() + 60_000,
        signal: AbortSignal.abort(new Error('etcd has ended')),
        ready: async () => false,
      }).then(({ ready }) => ready),
    ).rejects.toThrow('etcd has ended')
  })
})

it('what runs on ports that nobody knows any more is started anew', async () => {
  const { ctx, unit, ensure } = await registryOf(SERVE)
  await ensure(60_000)
  const before = await findProcess(ctx, unit, 'registry')
  rmSync(inUnit(unit, 'components', 'registry.json'))
  await ensure(60_000)
  const after = await findProcess(ctx, unit, 'registry')
  expect(after).toEqual(expect.any(Number))
  expect(after).not.toBe(before)
})

/** As a shell does that does not \`exec\`: the port is that of a child. */
const FORK = `
if (process.env.FORKED === undefined) require('node:child_process').spawn(process.execPath, [__filename], { env: { ...process.env, FORKED: '1' }, stdio: 'inherit' })
else ${SERVE}
setTimeout(() => 0, 600_000)`

// macOS has no /proc: there ps and lsof tell, which are here, too
describe.each([process.platform, 'darwin'] as const)('a program that starts the real one, on %s', (platform) => {
  it('is ready when that one is, and ends with it', async () => {
    const { ctx, unit, ensure } = await registryOf(FORK, { platform })
    const { registry } = await ensure(60_000)
    expect(await isPortFree(registry as number)).toBe(false)
    await endComponents(ctx, unit, ['registry'], 4000)
    expect(await isPortFree(registry as number)).toBe(true)
  })

  it('in a group of its own cannot be known, which is said', async () => {
    const tells = "on('listening', () => require('node:fs').writeFileSync('child', String(process.pid)))"
    const script = FORK.replace('{ env:', '{ detached: true, env:').replace(SERVE, `${SERVE}.${tells}`)
    const { unit, ensure, leapWhen } = await registryOf(script, { platform })
    leapWhen(() => existsSync(inUnit(unit, 'child')))
    await expect(ensure(300_000)).rejects.toMatchObject({
      code: 'timeout',
      hint: expect.stringMatching(/another process does: a script must exec its program/),
    })
    process.kill(Number(readFileSync(inUnit(unit, 'child'), 'utf8')))
  })

  it('and was killed is started anew on the same port', async () => {
    const { ctx, unit, ensure } = await registryOf(FORK, { platform })
    const ports = await ensure(60_000)
    process.kill((await findProcess(ctx, unit, 'registry')) as number, 'SIGKILL')
    await expect.poll(() => findProcess(ctx, unit, 'registry')).toBeUndefined()
    expect(await isPortFree(ports['registry'] as number)).toBe(false)
    expect(await ensure(60_000)).toEqual(ports)
  })
})
