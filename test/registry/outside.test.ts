import { mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { firstPush } from '../../lib/cluster/first-push.ts'
import { syncOf } from '../../lib/cluster/sync.ts'
import { loadProject } from '../../lib/config/project.ts'
import { createContext } from '../../lib/context.ts'
import { containerRegistry } from '../../lib/distributions/container-registry.ts'
import { ksail } from '../cli/run.ts'
import { tempFolder } from '../fakes/context.ts'
import { outside, type Outside } from '../fakes/outside.ts'
import { LOGIN, registryProgram, startRegistry } from '../fakes/registry.ts'
import { hasTools } from '../needs.ts'

const program = registryProgram()
const SHA = '4f2c1de0a9b8c7d6e5f40312233445566778899a'
const REFERENCE = `oci://ghcr.io/org/app:${SHA}`
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const auth = base64(`${LOGIN.username}:${LOGIN.password}`)

/** The real oras and a real registry with a login, which answers to every name of the world behind a CONNECT proxy, with TLS of a test authority. */
describe.skipIf((program === undefined && process.env['KSAIL_E2E'] !== '1') || !hasTools('oras') || process.platform !== 'linux')(
  'a registry that is not on this machine',
  () => {
    let registry: Awaited<ReturnType<typeof startRegistry>>
    let world: Outside
    let folder: string
    let config: string

    const run = (words: readonly string[], env: Record<string, string> = {}) =>
      ksail(['workload', ...words], {
        cwd: join(folder, 'project'),
        env: { ...world.env, DOCKER_CONFIG: config, XDG_STATE_HOME: join(folder, 'state'), KSAIL_PUSH_ATTEMPTS: '1', ...env },
      })
    const docker = (content: object): void => writeFileSync(join(config, 'config.json'), JSON.stringify(content))
    const settings = (text: string): void => writeFileSync(join(folder, 'project', 'ksail.yaml'), text)
    const head = async (repository: string, tag: string): Promise<string | null> =>
      (
        await fetch(`http://${registry.host}/v2/${repository}/manifests/${tag}`, {
          method: 'HEAD',
          headers: { accept: 'application/vnd.oci.image.manifest.v1+json', authorization: `Basic ${auth}` },
        })
      ).headers.get('docker-content-digest')

    // what is new to a registry is told as such: each test has one of its own
    beforeEach(async () => {
      registry = await startRegistry(program ?? '', join(tempFolder(), 'registry'), { login: true })
      world = await outside(registry.host)
      folder = tempFolder()
      config = join(folder, 'docker')
      for (const path of ['project/k8s', 'docker']) mkdirSync(join(folder, path), { recursive: true })
      const manifest = `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {at: "${folder}"}\n`
      writeFileSync(join(folder, 'project', 'k8s', 'a.yaml'), manifest)
    })
    afterEach(async () => {
      await world?.close()
      await registry?.stop()
    })

    it('takes a push to a reference without a port, with the docker login of its host and no other', async () => {
      docker({
        auths: {
          'other.example.com': { auth: base64('else:other-pass') },
          'ghcr.io': { auth },
          'ghcr.io:8443': { auth: base64('port:port-pass') },
        },
      })
      settings('spec: {cluster: {localRegistry: "user:setting-pass@registry.example.com/x"}}\n')
      const { status, stdout, stderr } = await run(['push', REFERENCE, '--also-tag', 'staging', '-o', 'json'])
      expect({ status, stderr }).toMatchObject({ status: 0 })
      const { reference, digest, registryFrom, tagFrom } = JSON.parse(stdout) as Record<string, string>
      expect([reference, registryFrom, tagFrom]).toEqual([`${REFERENCE}@${digest}`, 'argument', 'argument'])
      expect([await head('org/app', SHA), await head('org/app', 'staging')]).toEqual([digest, digest])
      expect(new Set(world.connects)).toEqual(new Set(['ghcr.io:443']))
      expect(new Set(world.asked.map(({ host }) => host))).toEqual(new Set(['ghcr.io']))
      expect(world.asked.filter(({ login }) => !['', `${LOGIN.username}:${LOGIN.password}`].includes(login))).toEqual([])
      expect(stderr).toContain('is a new package: it inherits the visibility of its repository')
      expect((await run(['push', REFERENCE, '--also-tag', 'staging', '-o', 'json'])).stdout).toContain('"changed":false')
    })

    it('is sent no login that belongs to another host, and the failure says what is missing', async () => {
      docker({ auths: { 'other.example.com': { auth }, 'ghcr.io:8443': { auth } } })
      settings(`spec: {cluster: {localRegistry: "${LOGIN.username}:${LOGIN.password}@registry.example.com/x"}}\n`)
      const { status, stderr } = await run(['push', REFERENCE])
      expect({ status, stderr }).toEqual({
        status: 6,
        stderr: expect.stringContaining('no credentials for ghcr.io were found: run docker login ghcr.io'),
      })
      expect(world.asked.length).toBeGreaterThan(0)
      expect(world.asked.filter(({ login }) => login !== '')).toEqual([])
    })

    it('refuses a login that is wrong with status 1', async () => {
      docker({ auths: { 'ghcr.io': { auth: base64('octo:not-the-one') } } })
      const { status, stderr } = await run(['push', REFERENCE])
      expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining('docker login ghcr.io') })
    })

    it('must have a certificate that this machine trusts', async () => {
      docker({ auths: { 'ghcr.io': { auth } } })
      const { status, stderr } = await run(['push', REFERENCE], { SSL_CERT_FILE: join(folder, 'none.pem'), SSL_CERT_DIR: folder })
      expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining('certificate') })
      expect(world.asked).toEqual([])
    })

    it('is never spoken to without TLS unless somebody says so', async () => {
      world.withoutTls()
      docker({ auths: { 'registry.example.com': { auth } } })
      const { status, stderr } = await run(['push', 'oci://registry.example.com/app:v1'])
      expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining('speaks plain HTTP: say so with --plain-http') })
    })

    it('gets no login over plain HTTP', async () => {
      docker({ auths: { 'registry.example.com': { auth } } })
      const { status, stderr } = await run(['push', 'oci://registry.example.com/app:v1', '--plain-http'])
      expect({ status, stderr }).toEqual({
        status: 3,
        stderr: expect.stringContaining('credentials for registry.example.com would travel in clear'),
      })
      expect(world.connects).toEqual([])
    })

    it('takes a push with a project registry that is named by placeholders', async () => {
      settings('metadata: {name: dev}\nspec: {cluster: {localRegistry: "${REG_USER}:${REG_PASS}@registry.example.com/team/app:live"}}\n')
      const { status, stdout, stderr } = await run(['push'], { REG_USER: LOGIN.username, REG_PASS: LOGIN.password })
      expect({ status, stderr }).toMatchObject({ status: 0 })
      expect(stdout).toMatch(/^oci:\/\/registry\.example\.com\/team\/app:live@sha256:[0-9a-f]{64}\n$/)
      expect(new Set(world.connects)).toEqual(new Set(['registry.example.com:443']))
    })

    it.each([
      ['auths', { auths: { 'ghcr.io': { auth } } }],
      ['a helper of the host', { credHelpers: { 'ghcr.io': 'safe' } }],
      ['a store', { auths: { 'ghcr.io': {} }, credsStore: 'safe' }],
      ['the file, although a store that has nothing is in charge', { auths: { 'ghcr.io': { auth } }, credsStore: 'empty' }],
    ])('gets the first artifact of a cluster and gives it a pull secret, with docker login alone: %s', async (_name, content) => {
      docker(content)
      writeFileSync(join(folder, 'answer'), JSON.stringify({ Username: LOGIN.username, Secret: LOGIN.password }))
      writeFileSync(
        join(folder, 'docker-credential-safe'),
        `#!/bin/sh\nread host; [ "$host" = ghcr.io ] && exec cat '${join(folder, 'answer')}'\n`,
        { mode: 0o755 },
      )
      writeFileSync(join(folder, 'docker-credential-empty'), '#!/bin/sh\necho credentials not found in native keychain\nexit 1\n', {
        mode: 0o755,
      })
      settings('metadata: {name: dev}\nspec: {cluster: {gitOpsEngine: Flux, localRegistry: ghcr.io/org/first}}\n')
      const PATH = `${folder}${delimiter}${process.env['PATH']}`
      const ctx = createContext({
        cwd: join(folder, 'project'),
        env: { ...process.env, ...world.env, PATH, DOCKER_CONFIG: config, XDG_STATE_HOME: join(folder, 'state') },
      })
      const project = await loadProject({}, ctx)
      const first = firstPush(ctx, project, project.target)
      await first.push(undefined, { onlyIfMissing: false })
      expect(await head('org/first', 'dev')).toBe(first.sent()?.digest)
      const { pullSecret, url } = await syncOf(ctx, project.target, { registry: containerRegistry }, { allowShortLived: false })
      expect(url(undefined)).toBe('oci://ghcr.io/org/first')
      expect(JSON.parse(pullSecret ?? '')).toEqual({ auths: { 'ghcr.io': { ...LOGIN, auth } } })
    })

    it('takes a copy of what another one holds, with the docker login of each', async () => {
      docker({ auths: { 'ghcr.io': { auth }, 'registry.example.com': { auth } } })
      const pushed = JSON.parse((await run(['push', 'oci://registry.example.com/stage/app:dev', '-o', 'json'])).stdout) as {
        digest: string
      }
      const words = ['promote', 'oci://registry.example.com/stage/app:dev', 'oci://ghcr.io/org/copy:v1', '--also-tag', 'live', '-o', 'json']
      const { status, stdout, stderr } = await run(words)
      expect({ status, stderr }).toMatchObject({ status: 0 })
      expect(JSON.parse(stdout)).toMatchObject({
        digest: pushed.digest,
        changed: true,
        reference: `oci://ghcr.io/org/copy:v1@${pushed.digest}`,
      })
      const copied = await Promise.all(['v1', 'live', `sha-${pushed.digest.slice(7, 19)}`].map((tag) => head('org/copy', tag)))
      expect(new Set(copied)).toEqual(new Set([pushed.digest]))
      world.asked.length = 0
      expect(JSON.parse((await run(words)).stdout)).toMatchObject({ changed: false })
      expect(world.asked.filter(({ what }) => /^(PUT|POST|PATCH)/.test(what))).toEqual([])
    })

    it('says which side of a copy refuses', async () => {
      docker({ auths: { 'ghcr.io': { auth } } })
      const denied = await run(['promote', 'oci://registry.example.com/stage/app:dev', 'oci://ghcr.io/org/copy:v2'])
      expect(denied).toMatchObject({ status: 6, stderr: expect.stringContaining('no credentials for registry.example.com were found') })
      const missing = await run(['promote', 'oci://ghcr.io/org/nothing:v1', 'oci://ghcr.io/org/copy'])
      expect(missing).toMatchObject({ status: 6, stderr: expect.stringContaining('there is no artifact oci://ghcr.io/org/nothing:v1') })
    })
  },
)
