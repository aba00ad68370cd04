import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Event } from '../../lib/base/events.ts'
import { createContext } from '../../lib/context.ts'
import { fetchFromImage } from '../../lib/tools/install/image.ts'
import { tempFolder } from '../fakes/context.ts'
import { faultProxy, type FaultProxy } from '../fakes/fault-proxy.ts'
import { LOGIN, registryProgram, startRegistry } from '../fakes/registry.ts'
import { programPath } from '../host/bed.ts'
import { imageLayout } from '../host/release-site.ts'
import { hasTools } from '../needs.ts'

const program = registryProgram()
const REPOSITORY = 'mirror/ghcr.io/o/tool'
const MEMBER = 'usr/local/bin/tool'
const BLOBS = /\/blobs\/sha256:/
const MANIFESTS = /\/manifests\/sha256:/

/** The real oras and a real registry, through a proxy that breaks what a test says. */
describe.skipIf((program === undefined && process.env['KSAIL_E2E'] !== '1') || !hasTools('oras'))('a program out of an image', () => {
  let registry: Awaited<ReturnType<typeof startRegistry>>
  let sha256: string

  beforeAll(async () => {
    const folder = tempFolder()
    registry = await startRegistry(program ?? '', join(folder, 'registry'))
    const layout = join(folder, 'layout')
    sha256 = imageLayout(layout, MEMBER, 'oras', 'linux/amd64')
    const to = `${registry.host}/${REPOSITORY}:v1`
    execFileSync(programPath('oras'), ['cp', '--no-tty', '--from-oci-layout', `${layout}@sha256:${sha256}`, to, '--to-plain-http'], {
      stdio: 'pipe',
    })
  })
  afterAll(() => registry?.stop())

  /** Gets the program as an image of ghcr.io, from a mirror that wants a login. */
  const world = async ({ login = true, mirror = (host: string) => `${host}/mirror` } = {}) => {
    const folder = tempFolder()
    const proxy: FaultProxy = await faultProxy({ upstream: registry.host, login: { by: 'basic', ...LOGIN } })
    onTestFinished(() => proxy.close())
    const auth = Buffer.from(`${LOGIN.username}:${LOGIN.password}`).toString('base64')
    mkdirSync(join(folder, '.docker'))
    writeFileSync(join(folder, '.docker', 'config.json'), JSON.stringify(login ? { auths: { [proxy.host]: { auth } } } : {}))
    const events: Event[] = []
    const ctx = createContext({
      env: { PATH: process.env['PATH'], HOME: folder, KSAIL_IMAGE_MIRROR: mirror(proxy.host) },
      report: (event) => void events.push(event),
      // the schedule is no matter of time here
      sleep: async () => undefined,
      random: () => 0.5,
    })
    const pin = { image: 'ghcr.io/o/tool', platform: 'linux/amd64', sha256, member: MEMBER }
    const retries = () => events.flatMap((event) => (event.kind === 'retry' ? [`${event.text}, ${event.attempt} of ${event.of}`] : []))
    return { proxy, events, retries, get: (limits = {}) => fetchFromImage(ctx, pin, folder, { text: 'fetching tool', limits }), folder }
  }

  it.each<[string, (host: string) => string]>([
    ['a registry and a path', (host) => `${host}/mirror`],
    ['a URL', (host) => `https://${host}/mirror/`],
  ])('comes from a mirror, given as %s, with the login of docker', async (_, mirror) => {
    const { proxy, events, get } = await world({ mirror })
    const path = await get()
    expect(readFileSync(path).equals(readFileSync(programPath('oras')))).toBe(true)
    expect(new Set(proxy.requests.map((it) => it.split('/').slice(2, -2).join('/')))).toEqual(new Set([REPOSITORY]))
    // layer after layer, it never falls back
    const done = events.flatMap((event) => (event.kind === 'progress' ? [event.done] : []))
    expect(done).toEqual(done.toSorted((a, b) => a - b))
    const sizes = readdirSync(join(path, '..')).filter((name) => name.startsWith('layer-'))
    expect(done.at(-1)).toBe(sizes.reduce((sum, name) => sum + statSync(join(path, '..', name)).size, 0))
  })

  it('says in few words that a mirror wants a login', async () => {
    const { proxy, get } = await world({ login: false })
    await expect(get()).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringMatching(new RegExp(`^${proxy.host}/${REPOSITORY}: .{0,40}\\b(401|basic credential)\\b.{0,80}$`)),
    })
  })

  it('is asked for again when the network breaks, at the question and in a layer', async () => {
    const { proxy, retries, get } = await world()
    proxy.break({ path: MANIFESTS, fault: 'reset', times: 1 })
    proxy.break({ path: BLOBS, fault: 'truncate', times: 3 })
    expect(readFileSync(await get()).equals(readFileSync(programPath('oras')))).toBe(true)
    expect(retries()).toEqual([
      expect.stringMatching(/^fetching tool: (read tcp .*: connection reset by peer|EOF), 1 of 3$/),
      ...[1, 2, 3].map((attempt) => `fetching tool: unexpected EOF, ${attempt} of 5`),
    ])
  })

  it('is asked for again after a silence, the child that was silent is ended', async () => {
    const { proxy, retries, get } = await world()
    proxy.break({ path: MANIFESTS, fault: 'hang', times: 1 })
    proxy.break({ path: BLOBS, fault: 'hang', times: 1 })
    await get({ answer: 3000, idle: 3000 })
    expect(retries()).toEqual(
      expect.arrayContaining(['fetching tool: no answer within 3 s, 1 of 3', 'fetching tool: nothing came for 3 s, 1 of 5']),
    )
  })

  it('is missed at once where the mirror has it not', async () => {
    const { proxy, retries, get } = await world()
    proxy.break({ path: BLOBS, fault: { status: 404 } })
    await expect(get()).rejects.toMatchObject({ code: 'unreachable', message: `${proxy.host}/${REPOSITORY}: not found` })
    expect(retries()).toEqual([])
  })

  it.each([
    ['the manifest', MANIFESTS],
    ['a layer', BLOBS],
  ])('is refused when %s is something else, as the page of a proxy', async (_, path) => {
    const { proxy, get } = await world()
    const headers = { 'content-type': 'application/vnd.oci.image.index.v1+json', 'content-length': '15' }
    proxy.break({ path, fault: { status: 200, body: '<html>x</html>\n', headers } })
    await expect(get()).rejects.toMatchObject({
      code: 'refused',
      exitCode: 3,
      message: expect.stringMatching(new RegExp(`^${proxy.host}/${REPOSITORY} is not what was pinned: .*mismatch`)),
    })
  })
})
