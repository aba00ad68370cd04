import { spawn } from 'node:child_process'
import { createServer, type AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { KsailError } from '../../../../lib/base/errors.ts'
import { listensOn } from '../../../../lib/providers/host/listening.ts'
import { fakeContext } from '../../../fakes/context.ts'
import { fakeExec } from '../../../fakes/exec.ts'

describe('listensOn', () => {
  const server = createServer()
  let port = 0
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    port = (server.address() as AddressInfo).port
  })
  afterAll(() => void server.close())

  it.runIf(process.platform === 'linux')('knows by /proc whose port it is', async () => {
    const ctx = fakeContext({ platform: 'linux' })
    expect(await listensOn(ctx, process.pid, port)).toBe(true)
    const other = spawn('sleep', ['60'], { detached: true })
    expect(await listensOn(ctx, other.pid as number, port)).toBe(false)
    other.kill()
    expect(await listensOn(ctx, process.pid, 1)).toBe(false)
  })

  // what lsof 4.95 printed: the numbers of the processes, or nothing with status 1
  it.each([
    ['42\n', 0, true],
    ['43\n', 0, true],
    ['', 1, false],
  ])('asks lsof elsewhere: %j', async (stdout, exitCode, expected) => {
    const exec = fakeExec({ 'lsof -nP -a -g 42 -iTCP:5050 -sTCP:LISTEN -t': { stdout, exitCode } })
    expect(await listensOn(fakeContext({ platform: 'darwin', exec }), 42, 5050)).toBe(expected)
  })

  it('takes the answer of the port where there is no lsof', async () => {
    const exec = async (): Promise<never> => {
      throw new KsailError('tool', 'could not run lsof')
    }
    expect(await listensOn(fakeContext({ platform: 'darwin', exec: exec as never }), 42, 5050)).toBe(true)
  })
})
