import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Event } from '../../lib/base/events.ts'
import type { KsailError } from '../../lib/base/errors.ts'
import { createContext } from '../../lib/context.ts'
import { buildArtifact, type Artifact } from '../../lib/artifact/build.ts'
import type { Destination } from '../../lib/config/registry.ts'
import { push } from '../../lib/workload/push.ts'
import { immutableTag, sendArtifact } from '../../lib/workload/send.ts'
import { tempFolder } from '../fakes/context.ts'
import { faultProxy, ociError, type Fault, type FaultProxy } from '../fakes/fault-proxy.ts'
import { registryProgram, startRegistry } from '../fakes/registry.ts'
import { hasTools } from '../needs.ts'

const program = registryProgram()
const BLOB = /\/blobs\/uploads\//
const TAG = /\/manifests\/(sha-[0-9a-f]+|dev)$/
const html = '<html>\n<head><title>503 Service Temporarily Unavailable</title></head>\n<body>nginx</body>\n</html>'

/** The real oras against a real registry, through a proxy that breaks what a test says. */
describe.skipIf((program === undefined && process.env['KSAIL_E2E'] !== '1') || !hasTools('oras'))('push through faults', () => {
  let registry: Awaited<ReturnType<typeof startRegistry>>
  let proxy: FaultProxy
  let folder: string
  let artifact: Artifact
  let version = 0

  const run = (over: { env?: Record<string, string>; signal?: AbortSignal; retryStop?: AbortController } = {}) => {
    const events: Event[] = []
    const waits: number[] = []
    const ctx = createContext({
      cwd: folder,
      env: { ...process.env, XDG_STATE_HOME: join(folder, 'state'), ...over.env },
      report: (event) => void events.push(event),
      // the schedule is asserted, not waited for
      sleep: async (ms) => void waits.push(ms),
      random: () => 0.5,
      ...(over.signal === undefined ? {} : { signal: over.signal }),
    })
    return { ctx, events, waits, retries: () => events.filter(({ kind }) => kind === 'retry').length }
  }
  const destination = (over: Partial<Destination> = {}): Destination => ({
    reference: { host: '127.0.0.1', port: proxy.port, repository: 'app', tag: 'dev', digest: undefined },
    username: '',
    password: '',
    external: false,
    plainHttp: true,
    registryFrom: 'argument',
    tagFrom: 'argument',
    warnings: [],
    ...over,
  })
  const head = async (tag = 'dev'): Promise<string | null> =>
    (
      await fetch(`http://${registry.host}/v2/app/manifests/${tag}`, {
        method: 'HEAD',
        headers: { accept: 'application/vnd.oci.image.manifest.v1+json' },
      })
    ).headers.get('docker-content-digest')

  beforeAll(async () => {
    registry = await startRegistry(program ?? '', join(tempFolder(), 'registry'))
  })
  afterAll(() => registry?.stop())
  beforeEach(async () => {
    folder = tempFolder()
    mkdirSync(join(folder, 'k8s'))
    writeFileSync(join(folder, 'k8s', 'a.yaml'), `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {version: "${++version}"}\n`)
    proxy = await faultProxy({ upstream: registry.host })
    artifact = await buildArtifact({ source: join(folder, 'k8s'), project: folder }, run().ctx)
  })
  afterEach(async () => {
    await proxy.close()
    const left = join(folder, 'state', 'ksail', 'run')
    expect(existsSync(left) ? readdirSync(left) : []).toEqual([])
  })

  it.each<[string, { method?: string; path: RegExp; fault: Fault }, string]>([
    ['500', { method: 'PUT', path: BLOB, fault: { status: 500, body: html } }, 'try again'],
    ['502', { method: 'PUT', path: BLOB, fault: { status: 502, body: html } }, 'try again'],
    ['503', { method: 'PUT', path: BLOB, fault: { status: 503, body: html } }, 'try again'],
    ['504', { method: 'PUT', path: BLOB, fault: { status: 504, body: html } }, 'try again'],
    ['a reset in the middle of a blob', { method: 'PUT', path: BLOB, fault: 'reset-mid-body' }, 'network'],
    ['a reset at the manifest', { method: 'PUT', path: TAG, fault: 'reset' }, 'network'],
    [
      'an upload that is unknown',
      { method: 'PUT', path: BLOB, fault: { status: 404, body: ociError('BLOB_UPLOAD_UNKNOWN', 'blob upload unknown to registry') } },
      'try again',
    ],
    [
      'a digest that arrived wrong',
      {
        method: 'PUT',
        path: BLOB,
        fault: { status: 400, body: ociError('DIGEST_INVALID', 'provided digest did not match uploaded content') },
      },
      'try again',
    ],
    [
      'a registry that says nothing',
      { method: 'PUT', path: BLOB, fault: { status: 500, body: ociError('UNKNOWN', 'unknown error') } },
      'try again',
    ],
  ])('heals after %s', async (_name, what, topic) => {
    proxy.break({ ...what, times: 1 })
    const { ctx, events } = run()
    expect(await sendArtifact({ artifact, destination: destination(), tags: ['dev'] }, ctx)).toEqual({ changed: true })
    expect(events.filter(({ kind }) => kind === 'retry')).toMatchObject([
      { attempt: 1, of: 3, text: expect.stringContaining(`(${topic})`) },
    ])
    expect(await head()).toBe(artifact.digest)
    expect(await head(immutableTag(artifact.digest))).toBe(artifact.digest)
  })

  it('waits as long as a rate limit says in its text', async () => {
    proxy.break({
      method: 'PUT',
      path: BLOB,
      fault: { status: 429, headers: { 'retry-after': '0' }, body: ociError('TOOMANYREQUESTS', 'retry-after: 1.5s, allowed: 2000/minute') },
      times: 1,
    })
    const { ctx, waits } = run()
    await sendArtifact({ artifact, destination: destination(), tags: ['dev'] }, ctx)
    expect(waits).toEqual([1500])
    expect(await head()).toBe(artifact.digest)
  })

  it('waits a minute for the secondary rate limit, once', async () => {
    const body = ociError(
      'DENIED',
      'permission_denied: Error from intermediary with HTTP status code 403 "Forbidden": secondary rate limit',
    )
    proxy.break({ method: 'POST', path: BLOB, fault: { status: 403, body } })
    const { ctx, waits } = run()
    await expect(sendArtifact({ artifact, destination: destination(), tags: ['dev'] }, ctx)).rejects.toMatchObject({
      exitCode: 1,
      hint: expect.stringContaining('rate limit'),
    })
    expect(waits).toEqual([60_000])
  })

  it('finds the tag where it belongs although the answer was lost', async () => {
    proxy.break({ method: 'PUT', path: /\/manifests\/dev$/, fault: 'lost-answer', times: 1 })
    const { ctx, retries } = run()
    expect(await sendArtifact({ artifact, destination: destination(), tags: ['dev'] }, ctx)).toEqual({ changed: true })
    expect(retries()).toBe(0)
    expect(proxy.requests.filter((it) => it === 'PUT /v2/app/manifests/dev')).toHaveLength(1)
    expect(await head()).toBe(artifact.digest)
  })

  it.each<[string, { method?: string; path: RegExp; fault: Fault }, Partial<KsailError> & { readonly hint?: unknown }]>([
    [
      'a disk that is full',
      {
        method: 'PUT',
        path: BLOB,
        fault: { status: 500, body: ociError('UNKNOWN', 'unknown error; map[DriverName:filesystem Enclosed:map[Err:28 Op:mkdir]]') },
      },
      { exitCode: 1 },
    ],
    [
      'a permission',
      { method: 'POST', path: BLOB, fault: { status: 403, body: ociError('DENIED', 'permission_denied: write_package') } },
      { exitCode: 1 },
    ],
    [
      'a quota',
      {
        method: 'POST',
        path: BLOB,
        fault: {
          status: 403,
          body: ociError('DENIED', 'adding 1.0 MiB of storage resource will exceed the configured upper limit of 10.0 GiB.'),
        },
      },
      { exitCode: 1 },
    ],
    [
      'a repository that is not there',
      { method: 'POST', path: BLOB, fault: { status: 404, body: ociError('NAME_UNKNOWN', 'repository name not known to registry') } },
      { exitCode: 1 },
    ],
    [
      'a registry that is read only',
      { method: 'POST', path: BLOB, fault: { status: 405, body: ociError('UNSUPPORTED', 'The operation is unsupported.') } },
      { exitCode: 1 },
    ],
    [
      'an artifact that is too large',
      { method: 'PUT', path: BLOB, fault: { status: 413, body: '<html><title>413 Request Entity Too Large</title></html>' } },
      { exitCode: 1 },
    ],
  ])('does not repeat %s, and moves no tag', async (_name, what, expected) => {
    const before = await head()
    proxy.break(what)
    const { ctx, retries } = run()
    await expect(sendArtifact({ artifact, destination: destination(), tags: ['dev'] }, ctx)).rejects.toMatchObject({
      ...expected,
      hint: expect.any(String),
    })
    expect(retries()).toBe(0)
    expect(await head()).toBe(before)
  })

  it('does not repeat a name that the registry refuses, and says what it takes', async () => {
    proxy.break({ path: /\/manifests\//, fault: { status: 400, body: ociError('NAME_INVALID', 'invalid repository name') } })
    const { ctx, retries } = run()
    await expect(sendArtifact({ artifact, destination: destination(), tags: ['dev'] }, ctx)).rejects.toMatchObject({
      exitCode: 2,
      hint: expect.stringContaining('255 characters'),
    })
    expect(retries()).toBe(0)
  })

  it('gives up after three attempts with the words of the registry', async () => {
    proxy.break({ method: 'PUT', path: BLOB, fault: 'reset' })
    const { ctx, retries, waits } = run()
    await expect(sendArtifact({ artifact, destination: destination(), tags: ['dev'] }, ctx)).rejects.toMatchObject({
      exitCode: 6,
      message: expect.stringMatching(/reset|EOF|broken pipe|closed network connection/),
    })
    expect([retries(), waits]).toEqual([2, [1000, 2000]])
  })

  it('ends a registry that hangs, tries again, and stays within the budget', async () => {
    proxy.break({ method: 'PUT', path: BLOB, fault: 'hang', times: 1 })
    const { ctx, events } = run({ env: { KSAIL_PUSH_TIMEOUT: '6s' } })
    const start = Date.now()
    expect(await sendArtifact({ artifact, destination: destination(), tags: ['dev'] }, ctx)).toEqual({ changed: true })
    expect(Date.now() - start).toBeLessThan(11_000)
    expect(events.filter(({ kind }) => kind === 'retry')).toMatchObject([{ text: expect.stringContaining('(timed out)') }])
  })

  it('is status 5 when a registry hangs for ever', async () => {
    proxy.break({ path: /./, fault: 'hang' })
    await expect(
      sendArtifact({ artifact, destination: destination(), tags: ['dev'] }, run({ env: { KSAIL_PUSH_TIMEOUT: '2s' } }).ctx),
    ).rejects.toMatchObject({ exitCode: 5 })
  })

  it('takes a slow registry as it is', async () => {
    proxy.break({ path: /./, fault: { slow: 50 } })
    const { ctx, retries } = run()
    expect(await sendArtifact({ artifact, destination: destination(), tags: ['dev'] }, ctx)).toEqual({ changed: true })
    expect(retries()).toBe(0)
  })

  it('stops at once when it is interrupted', async () => {
    proxy.break({ method: 'PUT', path: BLOB, fault: 'hang' })
    const stop = new AbortController()
    const { ctx } = run({ signal: stop.signal })
    const sent = sendArtifact({ artifact, destination: destination({ username: 'u', password: 'p4ssw0rd' }), tags: ['dev'] }, ctx)
    const { KsailError: Interrupted } = await import('../../lib/base/errors.ts')
    while (!proxy.requests.some((it) => it.startsWith('PUT'))) await new Promise((resolve) => setTimeout(resolve, 10))
    stop.abort(new Interrupted('interrupted', 'interrupted'))
    await expect(sent).rejects.toMatchObject({ exitCode: 130 })
  })

  it('says that plain HTTP was spoken', async () => {
    await expect(
      sendArtifact({ artifact, destination: destination({ plainHttp: false }), tags: ['dev'] }, run().ctx),
    ).rejects.toMatchObject({ exitCode: 2, hint: expect.stringContaining('plain HTTP') })
  })

  it('says quickly that nobody listens', async () => {
    const start = Date.now()
    // a port that was let go could be another program's by now
    const nobody = destination({ reference: { ...destination().reference, port: 1 } })
    await expect(sendArtifact({ artifact, destination: nobody, tags: ['dev'] }, run().ctx)).rejects.toMatchObject({
      exitCode: 6,
      hint: expect.stringContaining('is the registry running'),
    })
    expect(Date.now() - start).toBeLessThan(10_000)
  })

  it('takes a frozen tag with the same digest as done, and another one as a conflict', async () => {
    await sendArtifact({ artifact, destination: destination(), tags: ['v1'] }, run().ctx)
    proxy.freeze('v1', immutableTag(artifact.digest))
    expect(await sendArtifact({ artifact, destination: destination(), tags: ['v1'] }, run().ctx)).toEqual({ changed: false })
    expect(await sendArtifact({ artifact, destination: destination(), tags: ['v2'] }, run().ctx)).toEqual({ changed: true })
    writeFileSync(join(folder, 'k8s', 'a.yaml'), 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n')
    const other = await buildArtifact({ source: join(folder, 'k8s'), project: folder }, run().ctx)
    await expect(sendArtifact({ artifact: other, destination: destination(), tags: ['v1'] }, run().ctx)).rejects.toMatchObject({
      exitCode: 4,
      message: expect.stringContaining(artifact.digest),
    })
    expect(await head('v1')).toBe(artifact.digest)
  })

  describe('with a login', () => {
    const secured = async (by: 'bearer' | 'basic') => {
      await proxy.close()
      proxy = await faultProxy({ upstream: registry.host, login: { by, username: 'robot', password: 's3cret-word' } })
    }
    const signedIn = () => destination({ username: 'robot', password: 's3cret-word' })

    it.each(['bearer', 'basic'] as const)('signs in by %s, and no argv, event or folder keeps the password', async (by) => {
      await secured(by)
      const { ctx, events } = run()
      expect(await sendArtifact({ artifact, destination: signedIn(), tags: ['dev'] }, ctx)).toEqual({ changed: true })
      expect(JSON.stringify(events)).not.toContain('s3cret-word')
      expect(await head()).toBe(artifact.digest)
    })

    it('repeats a token that was denied once', async () => {
      await secured('bearer')
      proxy.break({ path: /^\/token$/, fault: { status: 403, body: ociError('DENIED', 'denied') }, times: 2 })
      const { ctx } = run({ env: { KSAIL_PUSH_RETRY_AUTH: 'true' } })
      expect(await sendArtifact({ artifact, destination: signedIn(), tags: ['dev'] }, ctx)).toEqual({ changed: true })
    })

    it('ends when the token is denied for ever, with the words of the registry', async () => {
      await secured('bearer')
      proxy.break({ path: /^\/token$/, fault: { status: 403, body: ociError('DENIED', 'denied') } })
      await expect(sendArtifact({ artifact, destination: signedIn(), tags: ['dev'] }, run().ctx)).rejects.toMatchObject({
        exitCode: 1,
        message: expect.stringContaining('denied'),
      })
    })

    it('goes on after a redirect loop of the token service', async () => {
      await secured('bearer')
      proxy.break({ path: /^\/token$/, fault: 'redirect-loop', times: 22 })
      expect(await sendArtifact({ artifact, destination: signedIn(), tags: ['dev'] }, run().ctx)).toEqual({ changed: true })
    })

    it('goes on when the token runs out on the way', async () => {
      await secured('bearer')
      proxy.break({
        method: 'PUT',
        path: BLOB,
        fault: { status: 401, body: ociError('UNAUTHORIZED', 'authentication required') },
        times: 1,
      })
      expect(
        await sendArtifact({ artifact, destination: signedIn(), tags: ['dev'] }, run({ env: { KSAIL_PUSH_RETRY_AUTH: 'true' } }).ctx),
      ).toEqual({ changed: true })
      expect(await head()).toBe(artifact.digest)
    })

    it('does not repeat a wrong password', async () => {
      await secured('bearer')
      const { ctx, retries } = run()
      await expect(
        sendArtifact({ artifact, destination: destination({ username: 'robot', password: 'wrong-word' }), tags: ['dev'] }, ctx),
      ).rejects.toMatchObject({ exitCode: 1, hint: expect.stringContaining('docker login') })
      expect(retries()).toBe(0)
    })
  })

  it('says that it could not compare when what is there arrives cut off', async () => {
    await sendArtifact({ artifact, destination: destination(), tags: ['cut'] }, run().ctx)
    writeFileSync(join(folder, 'k8s', 'a.yaml'), 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {cut: "yes"}\n')
    rmSync(join(folder, '.ksail'), { recursive: true })
    proxy.break({ method: 'GET', path: /\/blobs\/sha256:/, fault: 'truncate' })
    const { ctx, events } = run()
    const result = await push({ ref: `oci://${proxy.host}/app:cut`, path: 'k8s' }, ctx)
    expect(events.filter(({ kind }) => kind === 'warn')).toMatchObject([{ text: expect.stringContaining('was not compared') }])
    expect(await head('cut')).toBe(result.digest)
  })
})
