import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createServer, type Server } from 'node:http'
import { describe, expect, it, vi } from 'vitest'
import { isKsailError } from '../../../lib/base/errors.ts'
import type { Spawn } from '../../../lib/base/exec.ts'
import { loadProject, type ProjectOptions } from '../../../lib/config/project.ts'
import { describeSource } from '../../../lib/config/registry-chain.ts'
import { resolveDestination } from '../../../lib/config/registry.ts'
import { engineHost } from '../../../lib/tools/docker.ts'
import { sharingKube } from '../../../lib/tools/kube.ts'
import { watchCluster } from '../../../lib/workload/watched.ts'
import { fakeContext } from '../../fakes/context.ts'
import { fakeExec } from '../../fakes/exec.ts'
import { fakeKube } from '../../fakes/kube.ts'
import { serveKube } from '../../fakes/kube-server.ts'

const container = (port: number) => ({
  Id: 'c1',
  Name: '/dev-local-registry',
  Created: '',
  State: { Running: true, Status: 'running' },
  Mounts: [],
  Config: { Image: 'registry:3', Labels: { 'io.ksail.cluster': 'dev', 'io.ksail.role': 'registry' }, Env: [] },
  NetworkSettings: { Ports: { '5000/tcp': [{ HostPort: String(port) }] }, Networks: { kind: { IPAddress: '172.18.0.3' } } },
})

const withRegistry = (port: number) => fakeExec({ 'docker ps *': 'c1\n', 'docker container inspect *': JSON.stringify([container(port)]) })

const resolve = async (ctx: ReturnType<typeof fakeContext>, options: ProjectOptions & { ref?: string; plainHttp?: boolean } = {}) => {
  const { ref, plainHttp, ...rest } = options
  const project = await loadProject({ name: 'dev', ...rest }, ctx)
  const cluster = async () => {
    const { source, failure } = await watchCluster(ctx, project, { secret: true, writes: false })
    if (failure !== undefined) throw failure
    return source
  }
  return sharingKube(ctx, () => resolveDestination({ ref, project, options: { plainHttp }, cluster }, ctx))
}

const RECORD = { id: 'x', name: 'dev', provider: 'Docker', distribution: 'Vanilla', created: '', kubeconfig: '', context: '' }

describe('resolveDestination', () => {
  it('finds the registry of the cluster when there is no kubeconfig', async () => {
    const ctx = fakeContext({ exec: withRegistry(5052) })
    expect(await resolve(ctx)).toEqual({
      reference: { host: 'localhost', port: 5052, repository: 'k8s', tag: 'dev', digest: undefined },
      username: '',
      password: '',
      external: false,
      plainHttp: true,
      registryFrom: 'docker',
      tagFrom: 'default',
      warnings: [],
    })
  })

  it('says to start Docker where the cluster that is there cannot be asked for it', async () => {
    const down = { exitCode: 1, stderr: 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock' }
    const ctx = fakeContext({ exec: fakeExec({ 'docker *': down }) })
    await expect(resolve(ctx)).rejects.toMatchObject({ hint: expect.stringContaining('pass oci://') })
    const folder = join(ctx.env['XDG_STATE_HOME']!, 'ksail/clusters')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'dev.json'), JSON.stringify({ ...RECORD, project: ctx.cwd, port: 5052 }))
    await expect(resolve(ctx)).rejects.toMatchObject({ exitCode: 6, hint: expect.stringContaining('start Docker') })
  })

  it('says whose cluster it is that a push from another folder goes to, and only then', async () => {
    const ctx = fakeContext({ exec: withRegistry(5052) })
    const folder = join(ctx.env['XDG_STATE_HOME']!, 'ksail/clusters')
    mkdirSync(folder, { recursive: true })
    const owned = (project: string): void => writeFileSync(join(folder, 'dev.json'), JSON.stringify({ ...RECORD, project }))
    owned('/somewhere/else')
    expect((await resolve(ctx)).warnings).toEqual([
      'cluster dev belongs to the project in /somewhere/else: it runs what is pushed from here',
    ])
    expect((await resolve(ctx, { ref: 'oci://ghcr.io/o/r:v1' })).warnings).toEqual([])
    owned(ctx.cwd)
    expect((await resolve(ctx)).warnings).toEqual([])
    const link = join(ctx.env['HOME']!, 'link')
    symlinkSync(ctx.cwd, link)
    owned(link)
    expect((await resolve(ctx)).warnings).toEqual([])
  })

  it('asks nobody when a reference is given', async () => {
    const ctx = fakeContext({ exec: fakeExec() })
    expect(await resolve(ctx, { ref: 'oci://ghcr.io/o/r:v1', tag: 'other' })).toMatchObject({
      reference: { host: 'ghcr.io', tag: 'v1' },
      plainHttp: false,
      registryFrom: 'argument',
      tagFrom: 'argument',
    })
  })

  it('compares a configured port with the recorded one without a start of docker', async () => {
    const ctx = fakeContext({ exec: fakeExec() })
    const folder = join(ctx.env['XDG_STATE_HOME']!, 'ksail/clusters')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'dev.json'), JSON.stringify({ ...RECORD, project: ctx.cwd, port: 5051 }))
    expect((await resolve(ctx, { registry: 'localhost:5050' })).warnings).toEqual([
      'localhost:5050 is configured, but the registry of cluster "dev" (dev-local-registry) listens on port 5051',
    ])
    expect((await resolve(ctx, { registry: 'localhost:5051' })).warnings).toEqual([])
  })

  it('uses the configured port when docker cannot be asked', async () => {
    const ctx = fakeContext({ exec: fakeExec({ 'docker *': { exitCode: 1, stderr: 'Cannot connect to the Docker daemon' } }) })
    expect(await resolve(ctx, { localRegistry: 'localhost:5050' })).toMatchObject({
      reference: { port: 5050 },
      registryFrom: 'flag',
      warnings: [],
    })
  })

  it('names docker and the kubeconfig when both have nothing', async () => {
    const ctx = fakeContext({ exec: fakeExec({ 'docker *': { exitCode: 1, stderr: 'Cannot connect to the Docker daemon' } }) })
    const error = await resolve(ctx).catch((it: unknown) => it)
    expect(isKsailError(error, 'unresolved') && [error.exitCode, ...error.details.slice(3)]).toEqual([
      6,
      `4. the GitOps source in the cluster: there is no kubeconfig ${join(ctx.env['HOME']!, '.kube/config')}`,
      '5. the registry beside the cluster: docker does not answer',
    ])
  })

  it('never sends a login over plain HTTP to another host', async () => {
    const ctx = fakeContext()
    await expect(resolve(ctx, { registry: 'u:pass1@registry.lan:5000/r', plainHttp: true })).rejects.toMatchObject({
      code: 'refused',
      exitCode: 3,
    })
    expect(await resolve(ctx, { registry: 'registry.lan:5000/r', plainHttp: true })).toMatchObject({ plainHttp: true, external: true })
  })

  it('refuses a tag that is none', async () => {
    await expect(resolve(fakeContext(), { registry: 'ghcr.io/o/r', tag: 'a b' })).rejects.toMatchObject({
      exitCode: 2,
      reason: 'tag',
      message: '"a b" of --tag is not a tag',
    })
  })
})

it('says who decided', async () => {
  const project = await loadProject({ localRegistry: 'localhost' }, fakeContext())
  expect([describeSource('argument', project), describeSource('flag', project), describeSource('cluster:OCIRepository', project)]).toEqual([
    'the argument',
    '--local-registry',
    "the cluster's OCIRepository",
  ])
})

describe('engineHost', () => {
  it.each([
    [undefined, 'localhost'],
    ['unix:///var/run/docker.sock', 'localhost'],
    ['tcp://127.0.0.1:2375', 'localhost'],
    ['tcp://build.example.com:2376', 'build.example.com'],
    ['ssh://me@build', 'build'],
    ['tcp://[fd00::5]:2375', 'fd00::5'],
  ])('of DOCKER_HOST=%s is %s', async (value, host) => expect(await engineHost(fakeContext({ env: { DOCKER_HOST: value } }))).toBe(host))

  it('is that of the current context', async () => {
    const exec = fakeExec({ 'docker context inspect --format {{.Endpoints.docker.Host}} far': 'ssh://me@far.example.com\n' })
    expect(await engineHost(fakeContext({ exec, env: { DOCKER_CONTEXT: 'far' } }))).toBe('far.example.com')
  })
})

describe('what the cluster reads', () => {
  const repository = (spec: object) => ({
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'OCIRepository',
    metadata: { name: 'flux-system', namespace: 'flux-system' },
    spec: { url: 'oci://dev-local-registry:5000/k8s', ref: { tag: 'live' }, ...spec },
  })
  const application = {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name: 'ksail', namespace: 'argocd' },
    spec: { source: { repoURL: 'oci://dev-local-registry:5000/argo', targetRevision: 'v2' } },
  }
  const instance = {
    apiVersion: 'fluxcd.controlplane.io/v1',
    kind: 'FluxInstance',
    metadata: { name: 'flux', namespace: 'flux-system' },
    spec: { sync: { kind: 'OCIRepository', url: 'oci://dev-local-registry:5000/fleet', ref: 'main' } },
  }
  const ask = async (objects: readonly object[], port = 5052) => {
    const spawn = serveKube(fakeKube(...(objects as never[])))
    const ctx = fakeContext({ exec: withRegistry(port), spawn, now: () => performance.now() })
    mkdirSync(join(ctx.env['HOME']!, '.kube'))
    writeFileSync(join(ctx.env['HOME']!, '.kube', 'config'), 'contexts: [{name: kind-dev}]\n')
    const found = await resolve(ctx)
    expect(spawn.stopped()).toBe(true)
    return found
  }

  it.each([
    ['OCIRepository', [repository({}), application], 'k8s', 'live'],
    ['FluxInstance', [repository({}), instance], 'fleet', 'main'],
    ['Application', [application], 'argo', 'v2'],
  ])('is where a push goes, as this machine reaches it: %s', async (kind, objects, name, tag) => {
    expect(await ask(objects)).toMatchObject({
      reference: { host: 'localhost', port: 5052, repository: name, tag },
      registryFrom: `cluster:${kind}`,
      tagFrom: 'registry',
      plainHttp: true,
    })
  })

  it('brings its login along, unless that may only pull', async () => {
    const auth = Buffer.from('u:pass1').toString('base64')
    const data = { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths: { 'ghcr.io': { auth } } })).toString('base64') }
    const secret = (labels: object) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'mine', namespace: 'flux-system', labels },
      data,
    })
    const reading = repository({ url: 'oci://ghcr.io/o/r', secretRef: { name: 'mine' } })
    expect(await ask([reading, secret({})])).toMatchObject({ reference: { host: 'ghcr.io' }, username: 'u', password: 'pass1' })
    expect(await ask([reading, secret({ 'ksail.io/credentials': 'pull' })])).toMatchObject({ reference: { host: 'ghcr.io' }, username: '' })
  })

  it.each([
    ['does not answer', undefined, 'no answer within 10 s'],
    ['tells us nothing', 403, 'not yours'],
  ])('is no obstacle when the cluster %s: the next place is asked', async (_name, status, why) => {
    const sockets: Server[] = []
    let asked: () => void = () => undefined
    const waiting = new Promise<void>((resolve) => void (asked = resolve))
    const spawn: Spawn = (_file, args, options) => {
      const server = createServer((_request, response) => {
        asked()
        if (status !== undefined) response.writeHead(status).end(JSON.stringify({ message: 'not yours' }))
      })
      sockets.push(server.listen(args.at(-1)!.slice('--unix-socket='.length), () => options?.onLine?.('Starting to serve', 'stdout')))
      return { pid: 1, ended: new Promise(() => undefined), stop: async () => void server.closeAllConnections() }
    }
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const ctx = fakeContext({ exec: fakeExec({ 'docker ps *': '', 'docker container inspect *': '[]' }), spawn })
      mkdirSync(join(ctx.env['HOME']!, '.kube'))
      writeFileSync(join(ctx.env['HOME']!, '.kube', 'config'), 'contexts: [{name: kind-dev}]\n')
      const error = resolve(ctx).catch((it: unknown) => it)
      await waiting
      if (status === undefined) await vi.advanceTimersByTimeAsync(10_000)
      const found = await error
      expect(isKsailError(found, 'unresolved') && found.details[3]).toContain(why)
      expect(isKsailError(found) && found.details[4]).toBe('5. the registry beside the cluster: no registry container of cluster "dev"')
    } finally {
      vi.useRealTimers()
      for (const server of sockets) server.close()
    }
  })
})
