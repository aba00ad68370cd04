import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createServer, type Server } from 'node:http'
import { describe, expect, it, vi } from 'vitest'
import type { Spawn } from '../../../lib/base/exec.ts'
import { readLastPush, readPushes, writeLastPush } from '../../../lib/workload/last-push.ts'
import { mismatchOf } from '../../../lib/workload/mismatch.ts'
import { judgePrune } from '../../../lib/workload/prune-judge.ts'
import { push, type PushOptions } from '../../../lib/workload/push.ts'
import { writeRecord } from '../../../lib/providers/record.ts'
import { fakeContext, tempFolder } from '../../fakes/context.ts'
import { fakeDocker } from '../../fakes/docker.ts'
import { fakeExec } from '../../fakes/exec.ts'
import { fakeKube } from '../../fakes/kube.ts'
import { serveKube } from '../../fakes/kube-server.ts'

const configMap = (name: string): string => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n`

const world = (files: Record<string, string> = {}) => {
  const tags: Record<string, string> = {}
  const exec = fakeExec({
    'oras resolve *': (args) =>
      tags[args[1]?.split(':').at(-1) ?? ''] ?? {
        exitCode: 1,
        stderr: `Error response from registry: failed to resolve digest: ${args[1]}: not found`,
      },
    'oras cp *': (args) => {
      for (const tag of args[4]?.split(':').at(-1)?.split(',') ?? []) tags[tag] = args[3]?.split('@')[1] ?? ''
      return 'Copied\n'
    },
  })
  const ctx = fakeContext({ exec })
  mkdirSync(join(ctx.cwd, 'k8s'))
  for (const [path, text] of Object.entries({ 'kustomization.yaml': 'resources: [a.yaml]\n', 'a.yaml': configMap('a'), ...files }))
    writeFileSync(join(ctx.cwd, 'k8s', path), text)
  return { ctx, exec, tags, push: (options: PushOptions = {}) => push({ ref: 'oci://localhost:5050/app:dev', ...options }, ctx) }
}

describe('push', () => {
  it('says what it pushed, in exactly these fields', async () => {
    const { push: run, ctx, tags } = world()
    const result = await run()
    expect(Object.keys(result)).toEqual([
      'reference',
      'repository',
      'tag',
      'digest',
      'size',
      'files',
      'changed',
      'registryFrom',
      'tagFrom',
      'ms',
    ])
    expect(result).toMatchObject({
      reference: `oci://localhost:5050/app:dev@${result.digest}`,
      repository: 'localhost:5050/app',
      tag: 'dev',
      files: 2,
      changed: true,
      registryFrom: 'argument',
      tagFrom: 'argument',
    })
    expect(tags).toEqual({ dev: result.digest, [`sha-${result.digest.slice(7, 19)}`]: result.digest })
    expect(await readLastPush(ctx.cwd, 'localhost:5050/app', 'dev')).toMatchObject({ digest: result.digest })
  })

  it('writes nothing the second time', async () => {
    const { push: run, exec, ctx } = world()
    await run()
    const before = exec.calls.length
    expect((await run()).changed).toBe(false)
    expect(exec.commands().slice(before)).toEqual(['oras resolve localhost:5050/app:dev --plain-http'])
    expect(ctx.texts().at(-1)).toMatch(/^unchanged: oci:\/\/localhost:5050\/app:dev holds sha256:/)
  })

  it('moves every tag that was asked for', async () => {
    const { push: run, tags } = world()
    await run({ alsoTags: ['staging', 'dev'] })
    expect(Object.keys(tags)).toEqual([expect.stringMatching(/^sha-/), 'dev', 'staging'])
    await expect(run({ alsoTags: ['no tag'] })).rejects.toMatchObject({ exitCode: 2 })
  })

  it('sends nothing that a guard refuses', async () => {
    const { push: run, exec, ctx } = world()
    writeFileSync(join(ctx.cwd, 'k8s', 's.yaml'), 'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: hunter22}\n')
    await expect(run()).rejects.toMatchObject({ exitCode: 3, details: ['k8s/s.yaml:1: Secret s in plain text: stringData.a'] })
    expect(exec.commands().filter((it) => it.startsWith('oras cp'))).toEqual([])
    expect((await run({ allowPlaintextSecrets: true })).changed).toBe(true)
  })

  it('writes nothing on a dry run, and says what it would', async () => {
    const { push: run, exec, ctx } = world()
    expect((await run({ dryRun: true })).changed).toBe(false)
    expect(exec.commands()).toEqual(['oras resolve localhost:5050/app:dev --plain-http'])
    expect(ctx.texts()).toEqual(
      expect.arrayContaining([
        'a.yaml',
        'kustomization.yaml',
        expect.stringMatching(/^would run: oras cp .*:sha-[0-9a-f]{12},dev --to-plain-http$/),
      ]),
    )
    await expect(run({ dryRun: true, reconcile: true })).rejects.toMatchObject({ exitCode: 2 })
  })

  it('gives the commands of a dry run, and none for what is there already', async () => {
    const { push: run, ctx } = world()
    expect(await run({ dryRun: true })).toMatchObject({ changed: false, commands: [expect.stringMatching(/^oras cp .*,dev /)] })
    await run()
    expect(await run({ dryRun: true, alsoTags: ['staging'] })).toMatchObject({
      commands: [expect.stringMatching(/:sha-[0-9a-f]{12},staging /)],
    })
    const before = ctx.texts().length
    expect(await run({ dryRun: true })).toMatchObject({ changed: false, commands: [] })
    expect(ctx.texts().slice(before)).toEqual([
      'comparing k8s with oci://localhost:5050/app:dev (registry from the argument)',
      'a.yaml',
      'kustomization.yaml',
      'comparing k8s with oci://localhost:5050/app:dev (registry from the argument)',
      expect.stringMatching(/^unchanged: /),
    ])
  })

  it('names files from where the user stands', async () => {
    const { push: run, ctx } = world({ 'kustomization.yaml': 'resources: [a.yaml, gone.yaml]\n' })
    const refusal = { message: 'k8s does not build', details: ['k8s/kustomization.yaml:1: gone.yaml does not exist'] }
    await expect(run()).rejects.toMatchObject(refusal)
    await run({ validate: false })
    expect(ctx.texts()).toContain(refusal.details[0])
  })

  it.each([
    ['is missing', undefined],
    ['is empty', 'empty'],
  ])('is status 2 when the source folder %s', async (_name, kind) => {
    const { push: run, ctx, exec } = world()
    rmSync(join(ctx.cwd, 'k8s'), { recursive: true })
    if (kind === 'empty') mkdirSync(join(ctx.cwd, 'k8s'))
    await expect(run()).rejects.toMatchObject({ exitCode: 2, message: expect.stringContaining(join(ctx.cwd, 'k8s')) })
    expect(exec.commands().filter((it) => it.startsWith('oras cp'))).toEqual([])
  })

  it('refuses to remove most of what is there, by what is remembered beside the layout', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
    const { push: run, ctx } = world(
      Object.fromEntries([
        ['kustomization.yaml', `resources: [${names.map((it) => `${it}.yaml`).join(', ')}]\n`],
        ...names.map((it) => [`${it}.yaml`, configMap(it)]),
      ]),
    )
    await run()
    writeFileSync(join(ctx.cwd, 'k8s', 'kustomization.yaml'), 'resources: [a.yaml]\n')
    await expect(run()).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringMatching(/^refused to push: it would remove 6 of 7 objects, compared with dev@sha256:[0-9a-f]{12}$/),
      details: expect.arrayContaining(['ConfigMap g']),
    })
    expect((await run({ allowPrune: true })).changed).toBe(true)
  })

  it('compares with every tag that moves', async () => {
    const { push: run, ctx } = world({
      'kustomization.yaml': 'resources: [a.yaml, n.yaml]\n',
      'n.yaml': 'apiVersion: v1\nkind: Namespace\nmetadata: {name: n}\n',
    })
    await run({ ref: 'oci://localhost:5050/app:staging' })
    writeFileSync(join(ctx.cwd, 'k8s', 'kustomization.yaml'), 'resources: [a.yaml]\n')
    await expect(run({ ref: 'oci://localhost:5050/app:v1', alsoTags: ['staging'] })).rejects.toMatchObject({
      message: expect.stringContaining('refused to push: it would remove Namespace n with everything in it, compared with staging@sha256:'),
    })
    expect((await run({ ref: 'oci://localhost:5050/app:v1' })).changed).toBe(true)
  })

  it.each([
    ['another tag', { url: 'oci://dev-local-registry:5000/app', tag: 'main' }, 'dev-local-registry:5000/app:main'],
    ['another registry', { url: 'oci://ghcr.io/o/app', tag: 'dev' }, 'ghcr.io/o/app:dev'],
    ['what is pushed', { url: 'oci://dev-local-registry:5000/app', tag: 'dev' }, undefined],
  ])('warns, and pushes all the same, when the cluster reads %s', async (_name, { url, tag }, reads) => {
    const kube = fakeKube({
      apiVersion: 'source.toolkit.fluxcd.io/v1',
      kind: 'OCIRepository',
      metadata: { name: 'flux-system', namespace: 'flux-system' },
      spec: { url, ref: { tag } },
    })
    const { ctx, exec } = world()
    const own = fakeContext({ cwd: ctx.cwd, exec, spawn: serveKube(kube), now: () => performance.now() })
    writeFileSync(join(ctx.cwd, 'kubeconfig'), 'contexts: [{name: kind-dev}]\n')
    const expected =
      reads === undefined
        ? []
        : [
            `pushed localhost:5050/app:dev, but OCIRepository/flux-system/flux-system of the cluster reads ${reads}: it will not see this push`,
          ]
    const run = () => push({ ref: 'oci://localhost:5050/app:dev', name: 'dev', kubeconfig: join(ctx.cwd, 'kubeconfig') }, own)
    // the cluster may have come to read something else since the last push: one that changes nothing says so as well
    for (const changed of [true, false]) {
      own.events.length = 0
      expect((await run()).changed).toBe(changed)
      expect(own.events.flatMap((event) => (event.kind === 'warn' ? [event.text] : []))).toEqual(expected)
    }
    expect(kube.patched).toEqual([])
  })

  it('waits three seconds in all for a cluster of its own that hangs, says so once, and asks it nothing twice', async () => {
    const { ctx, exec } = world()
    const asked: string[] = []
    let reached: () => void = () => undefined
    const waiting = new Promise<void>((resolve) => void (reached = resolve))
    const servers: Server[] = []
    const spawn: Spawn = (_file, args, options) => {
      const server = createServer(({ url = '' }) => {
        asked.push(url)
        reached()
      })
      servers.push(server.listen(args.at(-1)!.slice('--unix-socket='.length), () => options?.onLine?.('Starting to serve', 'stdout')))
      return { pid: 1, ended: new Promise(() => undefined), stop: async () => void server.closeAllConnections() }
    }
    const docker = fakeDocker([{ name: 'dev-local-registry', labels: { 'io.ksail.cluster': 'dev' }, port: 5055, running: true }])
    const own = fakeContext({
      cwd: ctx.cwd,
      exec: (file, args, options) => (file.endsWith('docker') ? docker.exec : exec)(file, args, options),
      spawn,
      env: { DOCKER_HOST: 'unix:///var/run/docker.sock' },
    })
    const kubeconfig = join(ctx.cwd, 'kubeconfig')
    writeFileSync(kubeconfig, 'contexts: [{name: kind-dev}]\n')
    await writeRecord(own, {
      id: 'id',
      name: 'dev',
      project: ctx.cwd,
      provider: 'Docker',
      distribution: 'Vanilla',
      created: '2026-01-01T00:00:00.000Z',
      kubeconfig,
      context: 'kind-dev',
    })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const pushing = push({ name: 'dev', provider: 'Docker', kubeconfig }, own)
      await waiting
      await vi.advanceTimersByTimeAsync(3000)
      expect(await pushing).toMatchObject({ changed: true, repository: 'localhost:5055/k8s', registryFrom: 'docker' })
    } finally {
      vi.useRealTimers()
      for (const server of servers) server.close()
    }
    expect(own.texts().filter((text) => text.includes('no answer'))).toEqual([
      'whether cluster dev reads what is pushed was not checked: no answer within 3 s',
    ])
    expect(new Set(asked).size).toBe(asked.length)
  })

  describe('with a context that leads to the cluster of another project', () => {
    const meet = () => {
      const kube = fakeKube(
        {
          apiVersion: 'source.toolkit.fluxcd.io/v1',
          kind: 'OCIRepository',
          metadata: { name: 'flux-system', namespace: 'flux-system' },
          spec: { url: 'oci://127.0.0.1:5050/app', ref: { tag: 'dev' } },
        },
        {
          kind: 'ConfigMap',
          metadata: { name: 'ksail', namespace: 'kube-system' },
          data: { project: 'other', directory: '/their/app' },
        } as never,
      )
      const { ctx, exec } = world()
      const own = fakeContext({ cwd: ctx.cwd, exec, spawn: serveKube(kube), now: () => performance.now() })
      writeFileSync(join(ctx.cwd, 'kubeconfig'), 'contexts: [{name: kind-dev}, {name: ksail-dev}]\n')
      const run = (options: PushOptions) => push({ name: 'dev', engine: 'Flux', kubeconfig: join(ctx.cwd, 'kubeconfig'), ...options }, own)
      return { run, own, kube, sent: () => exec.commands().filter((it) => it.startsWith('oras cp')) }
    }

    it.each([['oci://127.0.0.1:5050/app:dev'], [undefined]])('sends nothing that is to be live there: %s', async (ref) => {
      const { run, kube, sent } = meet()
      await expect(run({ ref, reconcile: true })).rejects.toMatchObject({ exitCode: 4, message: expect.stringContaining('/their/app') })
      expect(sent()).toEqual([])
      expect(kube.patched).toEqual([])
    })

    it('goes where the user says, and warns', async () => {
      const { run, own, sent } = meet()
      expect((await run({ ref: 'oci://127.0.0.1:5050/app:dev' })).changed).toBe(true)
      expect(sent()).toHaveLength(1)
      expect(own.events.flatMap((event) => (event.kind === 'warn' ? [event.text] : []))).toEqual([
        expect.stringMatching(/^whether cluster dev reads what is pushed was not checked: context kind-dev .* \/their\/app$/),
      ])
    })

    it('does not take the registry from that cluster', async () => {
      const { run, sent } = meet()
      await expect(run({ provider: 'Host' })).rejects.toMatchObject({
        exitCode: 6,
        details: expect.arrayContaining([expect.stringMatching(/^4\. .*\/their\/app$/)]),
      })
      expect(sent()).toEqual([])
    })
  })

  it('says in one line that an unreachable cluster was not asked, and nothing where no kubeconfig names one', async () => {
    const { ctx, exec } = world()
    const spawn = () => ({ pid: 1, ended: Promise.resolve({ exitCode: 1, stderr: 'error: no such cluster' }), stop: async () => undefined })
    const own = fakeContext({ cwd: ctx.cwd, exec, spawn, now: () => performance.now() })
    writeFileSync(join(ctx.cwd, 'kubeconfig'), 'contexts: [{name: kind-dev}]\n')
    const notes = () => own.texts().filter((text) => text.includes('not checked'))
    await push({ ref: 'oci://localhost:5050/app:dev', name: 'dev', kubeconfig: join(ctx.cwd, 'kubeconfig') }, own)
    expect(notes()).toEqual([expect.stringMatching(/^whether cluster dev reads what is pushed was not checked: /)])
    await push({ ref: 'oci://localhost:5050/app:v2', name: 'other', kubeconfig: join(ctx.cwd, 'kubeconfig') }, own)
    expect(notes()).toHaveLength(1)
  })

  describe('to what the cluster reads', () => {
    const source = (url: string, tag = 'dev') => ({
      apiVersion: 'source.toolkit.fluxcd.io/v1',
      kind: 'OCIRepository',
      metadata: { name: 'flux-system', namespace: 'flux-system' },
      spec: { url, ref: { tag } },
    })
    const read = () => {
      const kube = fakeKube(source('oci://127.0.0.1:5050/app'))
      const { ctx, exec } = world()
      const order: string[] = []
      let isSlow = false
      const watched: typeof kube = {
        ...kube,
        get: async (path) => {
          // a cluster that answers when somebody else was asked meanwhile
          if (isSlow) await expect.poll(() => order.length).toBeGreaterThan(0)
          order.push('cluster')
          return kube.get(path)
        },
      }
      let proxies = 0
      const serve = serveKube(watched)
      const own = fakeContext({
        cwd: ctx.cwd,
        exec: async (file, args, options) => {
          order.push(args?.[0] ?? '')
          return exec(file, args, options)
        },
        spawn: (...args) => (proxies++, serve(...args)),
        now: () => performance.now(),
      })
      writeFileSync(join(ctx.cwd, 'kubeconfig'), 'contexts: [{name: kind-dev}]\n')
      const run = (more: PushOptions = {}) => push({ name: 'dev', kubeconfig: join(ctx.cwd, 'kubeconfig'), ...more }, own)
      return { run, kube, exec, order, own, proxies: () => proxies, slowDown: () => void (isSlow = true) }
    }

    it('asks the registry of the last push while the cluster is asked, and no second time', async () => {
      const { run, order, exec, slowDown } = read()
      expect(await run()).toMatchObject({ changed: true, registryFrom: 'cluster:OCIRepository', repository: '127.0.0.1:5050/app' })
      order.length = 0
      slowDown()
      const before = exec.calls.length
      expect((await run()).changed).toBe(false)
      expect(order[0]).toBe('resolve')
      expect(exec.commands().slice(before)).toEqual(['oras resolve 127.0.0.1:5050/app:dev --plain-http'])
    })

    it.each([
      ['another repository', 'oci://127.0.0.1:5050/other', 'dev'],
      ['another port', 'oci://127.0.0.1:5051/app', 'dev'],
      ['another tag', 'oci://127.0.0.1:5050/app', 'next'],
    ])('believes the cluster when that reads %s by now', async (_what, url, tag) => {
      const { run, kube, exec } = read()
      await run()
      kube.put(source(url, tag))
      const before = exec.calls.length
      const where = `${url.slice('oci://'.length)}:${tag}`
      expect(await run()).toMatchObject({ reference: expect.stringMatching(`^oci://${where}@`) })
      expect(exec.commands().slice(before)).toContain(`oras resolve ${where} --plain-http`)
    })

    it('looks up the port of the container beside the cluster while the cluster is asked', async () => {
      const { order, kube, own, slowDown } = read()
      slowDown()
      kube.put(source('oci://dev-local-registry:5000/app'))
      const docker = fakeDocker([{ name: 'dev-local-registry', labels: {}, port: 5055, running: true }])
      const ctx = {
        ...own,
        exec: ((file, args, options) => {
          if (!file.endsWith('docker')) return own.exec(file, args, options)
          order.push(`docker ${args?.[0]}`)
          return docker.exec(file, args, options)
        }) as typeof own.exec,
        env: { ...own.env, DOCKER_HOST: 'unix:///var/run/docker.sock' },
      }
      expect(await push({ name: 'dev', provider: 'Docker', kubeconfig: join(own.cwd, 'kubeconfig') }, ctx)).toMatchObject({
        repository: 'localhost:5055/app',
      })
      expect(order[0]).toBe('docker container')
      expect(order.filter((it) => it.startsWith('docker'))).toHaveLength(1)
    })

    it('asks nobody ahead when a setting names the registry', async () => {
      const { run, exec } = read()
      await run()
      const before = exec.calls.length
      await run({ registry: 'localhost:5060/else' })
      expect(
        exec
          .commands()
          .slice(before)
          .filter((it) => it.includes('5050')),
      ).toEqual([])
    })

    it('tells the push before the wait that began during it', async () => {
      const { run, own, exec, kube } = read()
      const digest = (): string => exec.calls.findLast(({ args }) => args[0] === 'cp')?.args[3]?.split('@')[1] ?? ''
      kube.onPatch((object) => {
        const revision = `dev@${digest()}`
        const conditions = [{ type: 'Ready', status: 'True', reason: 'Succeeded' }]
        const token = object.metadata.annotations?.['reconcile.fluxcd.io/requestedAt']
        kube.put(
          { ...object, status: { artifact: { revision }, lastHandledReconcileAt: token, observedGeneration: 1, conditions } } as never,
          {
            apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
            kind: 'Kustomization',
            metadata: { name: 'flux-system', namespace: 'flux-system', generation: 1 },
            spec: { sourceRef: { kind: 'OCIRepository', name: 'flux-system' } },
            status: { observedGeneration: 1, lastAppliedRevision: revision, lastAttemptedRevision: revision, conditions },
          } as never,
        )
      })
      kube.put({ ...source('oci://127.0.0.1:5050/app'), status: { artifact: { revision: 'dev@sha256:0' }, conditions: [] } } as never)
      writeFileSync(
        join(own.cwd, 'ksail.yaml'),
        'apiVersion: ksail.io/v1alpha1\nkind: Cluster\nmetadata: {name: dev}\nspec: {cluster: {gitOpsEngine: Flux}}\n',
      )
      const { digest: pushed, reconciled } = await run({ reconcile: true })
      expect(reconciled?.digest).toBe(pushed)
      expect(own.events.flatMap((it) => (it.kind === 'step' || it.kind === 'done' ? [`${it.kind} ${it.text.split(' ')[0]}`] : []))).toEqual(
        ['step pushing', 'done pushing', 'step reconciling', 'done reconciling'],
      )
    })

    it('makes one connection, also when it goes on to compare', async () => {
      const { run, proxies } = read()
      await run()
      expect(proxies()).toBe(1)
    })
  })

  it('makes its own folder nothing to commit', async () => {
    const { push: run, ctx } = world()
    await run()
    expect(readFileSync(join(ctx.cwd, '.ksail', '.gitignore'), 'utf8')).toBe('*\n')
    expect(existsSync(join(ctx.cwd, '.ksail', 'last-push.json'))).toBe(true)
  })
})

describe('judgePrune', () => {
  const some = (...names: string[]) => names.map((name) => ({ group: 'apps', kind: 'Deployment', namespace: 'x', name }))
  const many = (count: number, from = 0) => some(...Array.from({ length: count }, (_, index) => `d${index + from}`))
  it.each([
    ['half of ten', many(10), many(5), undefined],
    ['more than half of ten', many(10), many(4), 'it would remove 6 of 10 objects'],
    ['all four', many(4), [], undefined],
    ['all five', many(5), [], 'it would remove 5 of 5 objects'],
    ['what is kept', many(9).map((it) => ({ ...it, keep: true as const })), [], undefined],
    [
      'a definition',
      [{ group: 'apiextensions.k8s.io', kind: 'CustomResourceDefinition', namespace: '', name: 'x' }],
      [],
      'it would remove CustomResourceDefinition.apiextensions.k8s.io x with everything in it',
    ],
  ])('%s', (_name, before, after, why) => expect(judgePrune(before, after).why).toBe(why))
})

describe('last push', () => {
  it('keeps one for each repository and tag', async () => {
    const ctx = fakeContext()
    const [one, two] = [`sha256:${'1'.repeat(64)}`, `sha256:${'2'.repeat(64)}`]
    const at = '2026-01-01T00:00:00.000Z'
    await writeLastPush(ctx, ctx.cwd, [
      { repository: 'h/r', tag: 'a', digest: one, at },
      { repository: 'h/r', tag: 'b', digest: one, at },
    ])
    await writeLastPush(ctx, ctx.cwd, [{ repository: 'h/r', tag: 'a', digest: two, at }])
    expect(
      await Promise.all(
        [
          ['h/r', 'a'],
          ['h/r', 'b'],
          ['s', 'a'],
        ].map(async ([repository, tag]) => (await readLastPush(ctx.cwd, repository ?? '', tag ?? ''))?.digest),
      ),
    ).toEqual([two, one, undefined])
  })
  it('keeps those of pushes that end at the same moment', async () => {
    const ctx = fakeContext()
    const tags = Array.from({ length: 12 }, (_it, index) => `t${index}`)
    const digest = `sha256:${'1'.repeat(64)}`
    await Promise.all(tags.map((tag) => writeLastPush(ctx, ctx.cwd, [{ repository: 'h/r', tag, digest, at: '' }])))
    expect((await readPushes(ctx.cwd)).map(({ tag }) => tag).toSorted()).toEqual(tags.toSorted())
    expect(readdirSync(join(ctx.cwd, '.ksail'))).toEqual(['last-push.json'])
  })

  it('leaves nothing of one that was killed while it wrote, also where there is nothing to write any more', async () => {
    const ctx = fakeContext()
    const pushes = [{ repository: 'h/r', tag: 'a', digest: `sha256:${'1'.repeat(64)}`, at: '' }]
    await writeLastPush(ctx, ctx.cwd, pushes)
    // a folder of its own is swept once
    const cwd = tempFolder()
    cpSync(join(ctx.cwd, '.ksail'), join(cwd, '.ksail'), { recursive: true })
    const dead = spawnSync(process.execPath, ['-e', '0']).pid
    writeFileSync(join(cwd, '.ksail', `.${dead}-0123456789ab.tmp`), '')
    writeFileSync(join(cwd, '.ksail', 'last-push.json.lock'), `${dead} 1`)
    await writeLastPush(ctx, cwd, pushes)
    expect(readdirSync(join(cwd, '.ksail'))).toEqual(['last-push.json'])
  })
  it('knows nothing from a damaged file', async () => {
    const folder = tempFolder()
    mkdirSync(join(folder, '.ksail'))
    writeFileSync(join(folder, '.ksail', 'last-push.json'), '{"pushes": [')
    expect(await readLastPush(folder, 'r', 'a')).toBeUndefined()
  })
})

describe('mismatchOf', () => {
  const local = { host: 'localhost', port: 5050, repository: 'k8s', tags: ['dev'] }
  const ghcr = { host: 'ghcr.io', port: undefined, repository: 'o/r', tags: ['v1', 'staging'] }
  const source = (url: string, tag?: string, digest?: string) => ({ url, tag, digest, resource: 'OCIRepository/flux-system/flux-system' })
  it.each([
    ['the container beside the cluster', local, source('oci://dev-local-registry:5000/k8s', 'dev'), false],
    ['a process on this machine', local, source('oci://127.0.0.1:5050/k8s', 'dev'), false],
    ['another tag', local, source('oci://dev-local-registry:5000/k8s', 'prod'), true],
    ['another repository', local, source('oci://dev-local-registry:5000/other', 'dev'), true],
    ['another host', local, source('oci://ghcr.io/o/k8s', 'dev'), true],
    ['a further tag', ghcr, source('oci://ghcr.io/o/r', 'staging'), false],
    ['the local registry', ghcr, source('oci://dev-local-registry:5000/o/r', 'v1'), true],
    ['a pin', ghcr, source('oci://ghcr.io/o/r', 'v1', 'sha256:x'), true],
  ])('%s', (_name, pushed, reads, warns) => expect(mismatchOf('dev', pushed, reads) !== undefined).toBe(warns))
})
