import { describe, expect, it } from 'vitest'
import type { Context } from '../../../lib/base/context.ts'
import { KsailError } from '../../../lib/base/errors.ts'
import type { Destination } from '../../../lib/config/registry.ts'
import { readHeads, sendArtifact, sendTo } from '../../../lib/workload/send.ts'
import { readLimits, withRemote } from '../../../lib/workload/remote.ts'
import { fakeContext } from '../../fakes/context.ts'
import { fakeExec } from '../../fakes/exec.ts'

const digest = `sha256:${'a'.repeat(64)}`
const other = `sha256:${'b'.repeat(64)}`
const artifact = { digest, folder: '/p/.ksail/artifacts/x' }
const sha = `sha-${'a'.repeat(12)}`

const destination = (over: Partial<Destination> = {}, host = 'localhost'): Destination => ({
  reference: { host, port: host === 'localhost' ? 5050 : undefined, repository: 'k8s', tag: 'dev', digest: undefined },
  username: '',
  password: '',
  external: false,
  plainHttp: true,
  registryFrom: 'docker',
  tagFrom: 'default',
  warnings: [],
  ...over,
})
const ghcr = destination({ external: true, plainHttp: false, username: 'u', password: 'p4ss' }, 'ghcr.io')

type Answer = string | { exitCode: number; stderr: string }
const fault = (stderr: string): Answer => ({ exitCode: 1, stderr })
const missing = (ref: string): Answer => fault(`Error response from registry: failed to resolve digest: ${ref}: not found`)

/** oras over a registry in memory: `copies` are the answers to each cp, in order; '' moves the tags. */
const registry = (tags: Record<string, string>, copies: Answer[] = [''], lost: number[] = []) => {
  let count = 0
  return fakeExec({
    'oras resolve *': (args) => {
      const tag = args[1]?.split(':').at(-1) ?? ''
      return tags[tag] ?? missing(args[1] ?? '')
    },
    'oras cp *': (args) => {
      const answer = copies[count] ?? ''
      const named =
        args
          .find((arg) => arg.includes(':sha-') || (/:[\w,-]+$/.test(arg) && !arg.includes('@')))
          ?.split(':')
          .at(-1)
          ?.split(',') ?? []
      if (answer === '' || lost.includes(count)) for (const tag of named) tags[tag] = digest
      count++
      return answer
    },
  })
}

const send = (exec: Context['exec'], over: Partial<Parameters<typeof sendArtifact>[0]> = {}, env = {}) => {
  const ctx = fakeContext({ exec, env })
  return { ctx, sent: sendArtifact({ artifact, destination: destination(), tags: ['dev'], ...over }, ctx) }
}
const moved = (exec: ReturnType<typeof fakeExec>): string[] =>
  exec
    .commands()
    .filter((it) => it.startsWith('oras cp'))
    .map((it) => it.split(' ').find((word) => word.startsWith('localhost') || word.startsWith('ghcr')) ?? '')

describe('sendArtifact', () => {
  it('writes nothing when the tag names the artifact', async () => {
    const exec = registry({ dev: digest })
    expect(await send(exec).sent).toEqual({ changed: false })
    expect(exec.commands()).toEqual(['oras resolve localhost:5050/k8s:dev --plain-http'])
  })

  it('moves the immutable tag first, then the tags that do not name it yet', async () => {
    const exec = registry({ dev: other, prod: digest })
    expect(await send(exec, { tags: ['dev', 'prod', 'staging'] }).sent).toEqual({ changed: true })
    expect(exec.commands().at(-1)).toBe(
      `oras cp --no-tty --from-oci-layout /p/.ksail/artifacts/x@${digest} localhost:5050/k8s:${sha},dev,staging --to-plain-http`,
    )
  })

  it('lends the credentials of the setting by file, never by argv', async () => {
    const exec = registry({})
    await send(exec, { destination: ghcr }).sent
    expect(exec.commands().join('\n')).not.toContain('p4ss')
    expect(exec.commands().at(-1)).toMatch(/ghcr\.io\/k8s:\S+ --to-registry-config \S+\/config\.json$/)
  })

  it('tries again after a fault that may heal, and tells it', async () => {
    const exec = registry({}, [fault('Error response from registry: unexpected status code 503: Service Unavailable'), ''])
    const { ctx, sent } = send(exec)
    expect(await sent).toEqual({ changed: true })
    expect(ctx.events.filter(({ kind }) => kind === 'retry')).toMatchObject([{ attempt: 1, of: 3 }])
  })

  it('finds what was stored although the answer was lost', async () => {
    const exec = registry(
      { dev: other },
      [fault('Error: Put "http://localhost:5050/v2/k8s/manifests/dev": read: connection reset by peer')],
      [0],
    )
    const { ctx, sent } = send(exec)
    expect(await sent).toEqual({ changed: true })
    expect(moved(exec)).toHaveLength(1)
    expect(ctx.events.filter(({ kind }) => kind === 'retry')).toEqual([])
  })

  it('does not repeat what cannot heal', async () => {
    const exec = registry({}, [fault('Error response from registry: denied: permission_denied: write_package')])
    await expect(send(exec, { destination: ghcr }).sent).rejects.toMatchObject({
      code: 'auth',
      exitCode: 1,
      hint: expect.stringContaining('Manage Actions access'),
    })
    expect(moved(exec)).toHaveLength(1)
  })

  it('repeats a denial of GHCR, and gives up with its words and the hint', async () => {
    const exec = registry(
      {},
      Array.from({ length: 3 }, () => fault('Error response from registry: denied: denied')),
    )
    await expect(send(exec, { destination: ghcr }).sent).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringContaining('denied: denied'),
      hint: expect.stringContaining('docker login'),
    })
    expect(moved(exec)).toHaveLength(3)
  })

  it('is status 6 when nobody had credentials', async () => {
    const exec = registry({}, [fault('Error response from registry: denied: denied')])
    await expect(send(exec, { destination: { ...ghcr, username: '', password: '' } }).sent).rejects.toMatchObject({
      exitCode: 6,
      hint: expect.stringContaining('no credentials for ghcr.io were found'),
    })
    expect(moved(exec)).toHaveLength(1)
  })

  it('is status 6 with a hint when nothing listens', async () => {
    const down = fault('Error: Head "http://localhost:5050/v2/k8s/manifests/dev": dial tcp 127.0.0.1:5050: connect: connection refused')
    await expect(send(fakeExec({ 'oras *': down })).sent).rejects.toMatchObject({
      exitCode: 6,
      hint: expect.stringContaining('is the registry running'),
    })
  })

  describe('tags that must not move', () => {
    const refusal = fault(
      "Error response from registry: tag invalid: The image tag 'x' already exists and cannot be overwritten because the repository is immutable.",
    )
    it.each([
      ['asked for', registry({ dev: other }), true],
      ['by the registry', registry({ dev: other }, [refusal, refusal]), false],
    ])('are a conflict that names both digests: %s', async (_name, exec, immutable) => {
      await expect(send(exec, { immutable }).sent).rejects.toMatchObject({
        exitCode: 4,
        message: expect.stringMatching(new RegExp(`holds ${other}, not ${digest}`)),
      })
    })
    it('are a conflict, too, when they could not be read at first', async () => {
      let looks = 0
      const exec = fakeExec({
        'oras resolve *': () =>
          looks++ === 0 ? fault('Error response from registry: unexpected status code 503: Service Unavailable') : other,
        'oras cp *': '',
      })
      await expect(send(exec, { immutable: true }).sent).rejects.toMatchObject({ exitCode: 4 })
      expect(moved(exec)).toEqual([])
    })
    it('are not written by somebody who may not read them', async () => {
      const exec = fakeExec({
        'oras resolve *': fault('Error response from registry: denied: permission_denied: read_package'),
        'oras cp *': '',
      })
      await expect(send(exec, { immutable: true, destination: ghcr }).sent).rejects.toMatchObject({ exitCode: 1 })
      expect(moved(exec)).toEqual([])
    })
    it('are a success when they hold the artifact', async () => {
      const exec = registry({ dev: digest })
      expect(await send(exec, { immutable: true }).sent).toEqual({ changed: false })
    })
    it('do not stop the others: the immutable tag was there', async () => {
      const exec = registry({ dev: other, [sha]: digest }, [refusal, ''])
      expect(await send(exec).sent).toEqual({ changed: true })
      expect(moved(exec)).toEqual([`localhost:5050/k8s:${sha},dev`, 'localhost:5050/k8s:dev'])
    })
  })

  it('ends at once when it is interrupted', async () => {
    const stop = new AbortController()
    const exec = fakeExec({
      'oras *': () => {
        stop.abort(Object.assign(new Error('interrupted'), { code: 'interrupted' }))
        throw stop.signal.reason as Error
      },
    })
    const ctx = fakeContext({ exec, signal: stop.signal })
    await expect(sendArtifact({ artifact, destination: destination(), tags: ['dev'] }, ctx)).rejects.toThrow('interrupted')
    expect(exec.calls).toHaveLength(1)
  })
})

describe('KSAIL_PUSH_TIMEOUT', () => {
  /** A registry that never answers; the clock stands but for what is waited for. */
  const silent = (env: Record<string, string>, limit?: number) => {
    let clock = 0
    const exec = fakeExec({
      'oras *': (_args, { timeout = 0 }) => {
        clock += timeout
        throw new KsailError('timeout', `oras took longer than ${timeout} ms`)
      },
    })
    const ctx = fakeContext({ exec, env, now: () => clock, sleep: async (ms) => void (clock += ms) })
    const sending = withRemote(
      ctx,
      destination(),
      async (remote) => sendTo(ctx, remote, { artifact, tags: ['dev'], heads: await readHeads(remote, ['dev']) }),
      limit,
    )
    return { sending, exec, clock: () => clock }
  }

  it.each([
    ['8s', undefined, 8000],
    ['90', undefined, 90_000],
    ['1500ms', undefined, 1500],
    // it goes before --timeout, which lengthens what nobody named
    ['8s', 600_000, 8000],
    ['', 600_000, 600_000],
  ])('of %j (--timeout %j) is what a registry that hangs has in all, first question and last look included', async (text, limit, most) => {
    const { sending, clock, exec } = silent({ KSAIL_PUSH_TIMEOUT: text, KSAIL_PUSH_ATTEMPTS: '10' }, limit)
    await expect(sending).rejects.toMatchObject({ exitCode: 5, hint: expect.stringContaining('KSAIL_PUSH_TIMEOUT') })
    expect(clock()).toBeLessThanOrEqual(most)
    expect(moved(exec).length).toBeGreaterThan(0)
  })
})

describe('readLimits', () => {
  it.each([
    [{}, { attempts: 3, budget: 180_000 }],
    [
      { KSAIL_PUSH_ATTEMPTS: '1', KSAIL_PUSH_TIMEOUT: '90' },
      { attempts: 1, budget: 90_000 },
    ],
    [{ KSAIL_PUSH_TIMEOUT: '2m' }, { attempts: 3, budget: 120_000 }],
  ])('%j', (env, limits) => expect(readLimits(env)).toEqual(limits))
  it.each([
    { KSAIL_PUSH_ATTEMPTS: '0' },
    { KSAIL_PUSH_ATTEMPTS: '11' },
    { KSAIL_PUSH_ATTEMPTS: 'x' },
    { KSAIL_PUSH_TIMEOUT: 'soon' },
    { KSAIL_PUSH_TIMEOUT: '0' },
    { KSAIL_PUSH_TIMEOUT: '900h' },
  ])('refuses %j', (env) => {
    expect(() => readLimits(env)).toThrow(/KSAIL_PUSH/)
  })
})
