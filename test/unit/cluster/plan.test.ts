import { describe, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { perform } from '../../../lib/base/actions.ts'
import { deferred } from '../../../lib/base/deferred.ts'
import { KsailError } from '../../../lib/base/errors.ts'
import { ownerNotice, registryNotice } from '../../../lib/cluster/notices.ts'
import { manifestsOf } from '../../../lib/cluster/manifests.ts'
import { planCreate, type Plan } from '../../../lib/cluster/plan.ts'
import { containerRegistry } from '../../../lib/distributions/container-registry.ts'
import type { Making, Runtime } from '../../../lib/distributions/distribution.ts'
import type { Engine } from '../../../lib/engines/engine.ts'
import { fakeContext } from '../../fakes/context.ts'
import { fakeTarget } from '../../fakes/target.ts'

const record = {
  id: '0123456789abcdef',
  name: 'dev',
  project: '/project',
  provider: 'Docker',
  distribution: 'Vanilla',
  created: '2026-01-01T00:00:00.000Z',
  kubeconfig: '/k',
  context: 'kind-dev',
}

const refuse = (what: string) => (): never => {
  throw new Error(`the fake was not told about: ${what}`)
}

const engine: Engine = {
  summary: 'fake',
  follows: true,
  controllers: {
    pods: { tools: [], manifests: async (_ctx, _target, { components }) => `# ${components.join()}`, shown: refuse('shown') },
    processes: { tools: [], manifests: refuse('processes'), shown: refuse('processes') },
  },
  components: refuse('components'),
  source: refuse('source'),
  reconcile: refuse('reconcile'),
  sync: async (_ctx, _target, { url, tag, pullSecret }) => `# ${url} ${tag} ${pullSecret ?? ''}`,
}

/** A create with an external registry, so that no container is needed, and a runtime whose milestones the test decides. */
const world = (over: Partial<Plan> = {}) => {
  const log: string[] = []
  const [booted, done] = [deferred<readonly string[]>(), deferred<void>()]
  const making: Making = {
    booted: booted.promise,
    done: done.promise,
    apply: async (_yaml, { manager }) => void log.push(`apply ${manager}`),
  }
  const runtime: Runtime = {
    summary: 'fake',
    tools: () => [],
    noun: 'node',
    nouns: 'nodes',
    preview: {
      make: refuse('preview'),
      names: refuse('preview'),
      adopt: refuse('preview'),
      apply: refuse('preview'),
      start: refuse('preview'),
      stop: refuse('preview'),
      remove: refuse('preview'),
    },
    registry: containerRegistry,
    controllers: { as: 'pods' },
    contextOf: (name) => name,
    nodes: refuse('nodes'),
    endMakers: refuse('endMakers'),
    start: refuse('start'),
    stop: refuse('stop'),
    ready: refuse('ready'),
    connect: refuse('connect'),
    saveLogs: refuse('saveLogs'),
    make: () => (log.push('make'), making),
    adopt: () => (log.push('adopt'), making),
    remove: async () => void log.push('remove'),
  }
  const target = fakeTarget({
    registry: { host: 'ghcr.io', port: undefined, repository: 'o/app', tag: undefined, username: '', password: '', external: true },
  })
  const ctx = fakeContext()
  const plan: Plan = {
    ctx,
    target,
    record,
    runtime,
    engine,
    sync: { url: () => 'oci://ghcr.io/o/app', repository: 'ghcr.io/o/app:dev', insecure: false, tag: 'dev' },
    running: false,
    complete: false,
    components: ['source-controller'],
    adopt: false,
    linked: false,
    wanders: false,
    followed: false,
    push: async () => void log.push('push'),
    live: async () => (log.push('live'), 'sha256:1'),
    whole: async () => void log.push('whole'),
    ...over,
  }
  return { ctx, plan, log, booted, done }
}

describe('planCreate', () => {
  it('pushes and applies while the cluster is still being made, and waits for the artifact at the end', async () => {
    const { ctx, plan, log, done } = world()
    const { actions, outcome } = planCreate(plan)
    const run = perform(ctx, actions)
    await expect.poll(() => log).toEqual(['make', 'push', 'apply flux', 'apply ksail'])
    done.resolve()
    await run
    expect(log.slice(4)).toEqual(['whole', 'live'])
    expect(outcome).toMatchObject({ digest: 'sha256:1', nodesMade: true, notLive: undefined })
  })

  it('undoes the nodes when the cluster cannot be made, and nothing waits for ever', async () => {
    const { ctx, plan, log, done } = world()
    const run = perform(ctx, planCreate(plan).actions)
    done.reject(new KsailError('exec', 'kind broke'))
    await expect(run).rejects.toThrow('kind broke')
    expect(log).toContain('remove')
    expect(log).not.toContain('live')
  })

  it('never removes nodes that were there before', async () => {
    const { ctx, plan, log, done } = world({ running: true, push: () => Promise.reject(new KsailError('refused', 'no')) })
    done.resolve()
    await expect(perform(ctx, planCreate(plan).actions)).rejects.toThrow('no')
    expect(log).not.toContain('remove')
  })

  it('applies nothing to a cluster that is complete', async () => {
    const { ctx, plan, log, done } = world({ running: true, complete: true })
    done.resolve()
    await perform(ctx, planCreate(plan).actions)
    expect(log.toSorted()).toEqual(['adopt', 'live', 'push'])
  })

  it('keeps a whole cluster whose artifact does not become live', async () => {
    const failure = new KsailError('notReady', 'image not found')
    const { ctx, plan, log, done } = world({ live: () => Promise.reject(failure) })
    done.resolve()
    const { actions, outcome } = planCreate(plan)
    await perform(ctx, actions)
    expect(outcome.notLive).toBe(failure)
    expect(log).not.toContain('remove')
  })

  it('asks nothing of an engine that is none', () => {
    const titles = planCreate(world({ engine: { ...engine, follows: false } }).plan).actions.map(({ title }) => title)
    expect(titles).toEqual(['cluster dev', 'notices in the cluster'])
  })
})

describe('what create applies', () => {
  it('has another fingerprint when the source changes, and the same otherwise', async () => {
    const { plan } = world()
    const one = await manifestsOf(plan, undefined)
    expect((await manifestsOf(plan, undefined)).applied).toBe(one.applied)
    expect((await manifestsOf({ ...plan, sync: { ...plan.sync, tag: 'other' } }, undefined)).applied).not.toBe(one.applied)
  })

  it('gives the cluster its pull secret with the label that keeps ksail from reading it back', async () => {
    const { plan } = world()
    const { all } = await manifestsOf({ ...plan, sync: { ...plan.sync, pullSecret: '{"auths":{}}' } }, undefined)
    const [secret] = parseAllDocuments(all).map((it) => it.toJS() as { kind: string; metadata: { labels: object }; stringData: object })
    expect(secret).toMatchObject({
      kind: 'Secret',
      type: 'kubernetes.io/dockerconfigjson',
      metadata: { labels: { 'ksail.io/credentials': 'pull' } },
      stringData: { '.dockerconfigjson': '{"auths":{}}' },
    })
  })
})

it('tells other tools of the registry as KEP-1755 says', () => {
  const notice = parse(registryNotice(5050, 'dev-local-registry:5000')) as { metadata: object; data: Record<string, string> }
  expect(notice.metadata).toMatchObject({ name: 'local-registry-hosting', namespace: 'kube-public' })
  expect(parse(notice.data['localRegistryHosting.v1'] as string)).toMatchObject({
    host: 'localhost:5050',
    hostFromContainerRuntime: 'dev-local-registry:5000',
    hostFromClusterNetwork: 'dev-local-registry:5000',
  })
})

it('leaves the id of the project in the cluster', () => {
  expect(parse(ownerNotice(record, 'abc'))).toMatchObject({
    metadata: { name: 'ksail', namespace: 'kube-system' },
    data: { project: record.id, applied: 'abc' },
  })
})
