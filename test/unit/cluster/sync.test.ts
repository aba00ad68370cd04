import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import type { Registry } from '../../../lib/base/target.ts'
import { isComplete } from '../../../lib/cluster/existing.ts'
import { manifestsOf } from '../../../lib/cluster/manifests.ts'
import { syncOf } from '../../../lib/cluster/sync.ts'
import { containerRegistry } from '../../../lib/distributions/container-registry.ts'
import { applyInside } from '../../../lib/distributions/vanilla/inside.ts'
import { createCluster } from '../../../lib/cluster/create.ts'
import { parse } from '../../../lib/cli/parse.ts'
import { commands } from '../../../lib/cli/commands/index.ts'
import type { Engine } from '../../../lib/engines/engine.ts'
import { fakeContext } from '../../fakes/context.ts'
import { fakeDocker } from '../../fakes/docker.ts'
import { fakeExec } from '../../fakes/exec.ts'
import { fakeKube } from '../../fakes/kube.ts'
import { serveKube } from '../../fakes/kube-server.ts'
import { fakeTarget } from '../../fakes/target.ts'
import { withDockerConfig } from '../../topics/registry.ts'

const registry = (over: Partial<Registry> = {}): Registry => ({
  host: 'ghcr.io',
  port: undefined,
  repository: 'o/app',
  tag: undefined,
  username: 'octo',
  password: 'pull-pass',
  external: true,
  ...over,
})
const runtime = { registry: containerRegistry, controllers: { as: 'pods' } }
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const auth = base64('octo:pull-pass')
const config = { auths: { 'ghcr.io': { username: 'octo', password: 'pull-pass', auth } } }
const loggedIn = (password: string, entry: object = { auth: base64(`octo:${password}`) }) =>
  withDockerConfig({ auths: { 'ghcr.io': entry } })
const sync = (ctx = fakeContext(), over: Partial<Registry> = {}, allowShortLived = false) =>
  syncOf(ctx, fakeTarget({ registry: registry(over) }), runtime, { allowShortLived })
const pullSecretOf = async (...words: Parameters<typeof sync>) => JSON.parse((await sync(...words)).pullSecret ?? 'null') as unknown

describe('what the cluster pulls with', () => {
  it('are the credentials of the setting, which nobody prints', async () => {
    const ctx = fakeContext()
    expect(await pullSecretOf(ctx)).toEqual(config)
    expect(ctx.secrets).toEqual(new Set(['pull-pass', auth]))
  })

  it('is else the docker login of that host', async () => {
    expect(await pullSecretOf(loggedIn('pull-pass'), { username: '', password: '' })).toEqual(config)
    expect(await pullSecretOf(loggedIn('pull-pass'), { host: 'other.example.com', username: '', password: '' })).toBeNull()
  })

  it('is nothing that only a client understands, and that is said', async () => {
    const ctx = loggedIn('', { identitytoken: 'id-token-1' })
    expect(await pullSecretOf(ctx, { username: '', password: '' })).toBeNull()
    expect(ctx.texts()).toEqual([
      'the docker login for ghcr.io is an identity token, which the cluster cannot use: it pulls without credentials',
    ])
  })

  it('is nothing where no engine pulls, or the registry is the one beside the cluster', async () => {
    const ctx = fakeContext()
    const without = await syncOf(ctx, fakeTarget({ engine: 'None', registry: registry({ password: 'ghs_abc' }) }), runtime, {
      allowShortLived: false,
    })
    expect(without.pullSecret).toBeUndefined()
    const local = await syncOf(ctx, fakeTarget(), runtime, { allowShortLived: false })
    expect([local.pullSecret, local.insecure, local.url(5050)]).toEqual([undefined, true, 'oci://dev-local-registry:5000/k8s'])
  })

  it.each([
    ['the setting', () => sync(fakeContext(), { password: 'ghs_short' })],
    ['a docker login', () => sync(loggedIn('ghs_short'), { username: '', password: '' })],
  ])('is no short-lived token of %s', async (_name, run) => {
    const error = await run().catch((it: unknown) => it)
    expect(error).toMatchObject({
      exitCode: 3,
      message: expect.stringContaining('ghcr.io'),
      hint: expect.stringContaining('--allow-short-lived'),
    })
    expect(JSON.stringify(error)).not.toContain('ghs_short')
  })

  it('is one all the same on request, which create and up know as a flag', async () => {
    expect(await pullSecretOf(fakeContext(), { password: 'ghs_short' }, true)).toMatchObject({
      auths: { 'ghcr.io': { password: 'ghs_short' } },
    })
    for (const words of ['cluster create', 'up']) {
      const row = commands.find(({ path }) => path.join(' ') === words)
      expect(parse(['--allow-short-lived'], row!, words).input).toMatchObject({ allowShortLived: true })
    }
  })

  it('is refused before anything is made', async () => {
    const { exec } = fakeDocker([], { more: { 'docker version *': '28.5.2', 'kind get *': '' } })
    const ctx = fakeContext({ exec, env: { TOKEN: 'ghs_short' } })
    const create = createCluster({ name: 'dev', engine: 'Flux', provider: 'Docker', localRegistry: 'octo:${TOKEN}@ghcr.io/o/app' }, ctx)
    await expect(create).rejects.toMatchObject({ code: 'refused', exitCode: 3, hint: expect.stringContaining('--allow-short-lived') })
    expect(exec.commands().filter((it) => /^docker (run|volume create|network create)|^kind create/.test(it))).toEqual([])
  })
})

const engine = {
  follows: true,
  controllers: { pods: { tools: [], manifests: async () => '# install' } },
  sync: async () => '# sync',
} as unknown as Engine
const record = {
  id: 'abc',
  name: 'dev',
  project: '/project',
  provider: 'Docker',
  distribution: 'Vanilla',
  created: '',
  kubeconfig: '/k',
  context: 'kind-dev',
}
const planned = async (password: string) => {
  const ctx = fakeContext()
  const made = await sync(ctx, { password })
  return manifestsOf(
    {
      ctx,
      target: fakeTarget({ registry: registry({ password }) }),
      record,
      engine,
      sync: made,
      components: [],
      runtime: runtime as never,
    },
    undefined,
  )
}

describe('the pull secret', () => {
  it('goes to the cluster on stdin: no word of a command holds it', async () => {
    const { all } = await planned('pull-pass')
    const exec = fakeExec({ 'docker exec *': '' })
    await applyInside(fakeContext({ exec }), 'dev-control-plane', all, { manager: 'ksail', signal: new AbortController().signal })
    const [call] = exec.calls
    expect(call?.options.input).toContain('pull-pass')
    for (const secret of ['pull-pass', auth, base64(JSON.stringify(config))])
      expect(JSON.stringify([call?.command, call?.options.env])).not.toContain(secret)
  })

  it('is told apart from a login by its label, and the fingerprint of what is applied does not show it', async () => {
    const { all, applied } = await planned('pull-pass')
    const [secret, notice] = parseAllDocuments(all)
      .map((it) => it.toJS() as { kind: string; metadata: object; data?: object } | null)
      .filter((it) => it?.kind === 'Secret' || it?.kind === 'ConfigMap')
    expect(secret?.metadata).toMatchObject({
      name: 'ksail-registry-credentials',
      labels: { 'ksail.io/credentials': 'pull', 'app.kubernetes.io/managed-by': 'ksail' },
    })
    expect(notice?.data).toMatchObject({ applied })
    expect(applied).toMatch(/^[0-9a-f]{16}$/)
  })

  it('is applied again when the password is another one', async () => {
    expect((await planned('one-pass')).applied).not.toBe((await planned('two-pass')).applied)
  })

  it.each([
    ['holds what it should', JSON.stringify(config), true],
    ['was changed in the cluster', '{"auths":{}}', false],
    ['was removed from the cluster', undefined, false],
  ])('makes create go to work unless it %s', async (_name, held, complete) => {
    const meta = (name: string, namespace: string) => ({ metadata: { name, namespace } })
    const kube = fakeKube({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      ...meta('ksail', 'kube-system'),
      data: { project: 'abc', applied: 'x' },
    } as never)
    if (held !== undefined)
      kube.put({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'ksail-registry-credentials', namespace: 'flux-system', labels: { 'app.kubernetes.io/managed-by': 'ksail' } },
        data: { '.dockerconfigjson': base64(held) },
      } as never)
    const ctx = fakeContext({ spawn: serveKube(kube), now: () => performance.now() })
    expect(await isComplete(ctx, fakeTarget(), { id: 'abc', applied: 'x', deployments: [], pullSecret: JSON.stringify(config) })).toBe(
      complete,
    )
  })
  it('is not taken from somebody else: a Secret of that name without our label is a conflict', async () => {
    const kube = fakeKube({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'ksail-registry-credentials', namespace: 'flux-system' },
      data: { '.dockerconfigjson': base64('{}') },
    } as never)
    const ctx = fakeContext({ spawn: serveKube(kube), now: () => performance.now() })
    await expect(isComplete(ctx, fakeTarget(), { id: 'abc', applied: 'x', deployments: [], pullSecret: '{}' })).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('flux-system/ksail-registry-credentials'),
    })
  })
})
