import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { clusterInfo } from '../../../lib/cluster/info.ts'
import { listClusters } from '../../../lib/cluster/list.ts'
import { startCluster } from '../../../lib/cluster/start.ts'
import { stopCluster } from '../../../lib/cluster/stop.ts'
import { withLock } from '../../../lib/io/lock.ts'
import { lockOf, readRecord, writeRecord } from '../../../lib/providers/record.ts'
import { fakeContext } from '../../fakes/context.ts'
import { fakeDocker, fakeNode, type FakeContainer } from '../../fakes/docker.ts'
import { fakeExec } from '../../fakes/exec.ts'

const setup = async ({
  running = true,
  containers,
  record = {},
}: { running?: boolean; containers?: FakeContainer[]; record?: object | false } = {}) => {
  const project = fakeContext().cwd
  const registry = {
    name: 'dev-local-registry',
    labels: { 'io.ksail.cluster': 'dev', 'io.ksail.role': 'registry', 'io.ksail.project': 'abc' },
    port: 5051,
    running,
    networks: ['kind'],
  }
  const docker = fakeDocker(containers ?? [{ ...fakeNode('dev'), running }, registry], {
    networks: ['kind'],
    more: { 'docker exec *': '', 'kind export kubeconfig *': '' },
  })
  const ctx = fakeContext({ cwd: project, exec: docker.exec, fetch: async () => new Response('{}') })
  const kubeconfig = join(dirname(project), 'kubeconfig')
  const known = {
    id: 'abc',
    name: 'dev',
    project,
    provider: 'Docker',
    distribution: 'Vanilla',
    created: '2026-11-01T10:00:00Z',
    kubeconfig,
    context: 'kind-dev',
    nodes: ['id-dev-control-plane'],
    port: 5051,
    ...record,
  }
  if (record !== false) await writeRecord(ctx, known)
  return { ...docker, ctx, known, changes: () => docker.exec.commands().filter((it) => /^docker (start|stop|run|rm)/.test(it)) }
}

describe('startCluster and stopCluster', () => {
  it('makes nodes and cluster follow a registry that came up on another port', async () => {
    const { ctx, exec, known } = await setup({ running: false, record: { port: 32768 } })
    expect(await startCluster({ name: 'dev' }, ctx)).toMatchObject({ registry: 'localhost:5051' })
    expect(await readRecord(ctx, 'dev')).toEqual({ ...known, port: 5051 })
    const commands = exec.calls.filter(({ command }) => command.startsWith('docker exec -i dev-control-plane'))
    expect(commands.some(({ command }) => command.endsWith('/etc/containerd/certs.d/localhost:5051'))).toBe(true)
    expect(commands.some(({ options }) => String(options.input).includes('host: localhost:5051'))).toBe(true)
  })

  it('start nodes first, then the registry, and wait for both', async () => {
    const { ctx, changes, exec, known } = await setup({ running: false })
    expect(await startCluster({ name: 'dev' }, ctx)).toMatchObject({
      name: 'dev',
      context: 'kind-dev',
      kubeconfig: known.kubeconfig,
      registry: 'localhost:5051',
      already: false,
    })
    expect(changes()).toEqual(['docker start dev-control-plane', 'docker start dev-local-registry'])
    expect(exec.commands().some((it) => it.includes('/readyz'))).toBe(true)
  })

  it('stop both and keep everything', async () => {
    const { ctx, changes, all } = await setup()
    expect(await stopCluster({ name: 'dev' }, ctx)).toEqual({ name: 'dev', already: false })
    expect(changes().toSorted()).toEqual(['docker stop -t 10 dev-control-plane', 'docker stop -t 10 dev-local-registry'])
    expect([...all.values()].map((it) => it.running)).toEqual([false, false])
  })

  it('are successes when there is nothing to do', async () => {
    const up = await setup()
    expect((await startCluster({ name: 'dev' }, up.ctx)).already).toBe(true)
    const down = await setup({ running: false })
    expect((await stopCluster({ name: 'dev' }, down.ctx)).already).toBe(true)
    expect([...up.changes(), ...down.changes()]).toEqual([])
  })

  it.each([
    ['nothing', { containers: [], record: false as const }, 6],
    ['a cluster of nobody', { record: false as const }, 4],
    ['a cluster of another project', { record: { project: '/elsewhere' } }, 4],
    ['a cluster that was never finished', { record: { nodes: undefined } }, 1],
  ])('refuse %s', async (_case, over, exitCode) => {
    const { ctx, changes } = await setup(over)
    await expect(startCluster({ name: 'dev' }, ctx)).rejects.toMatchObject({ exitCode })
    await expect(stopCluster({ name: 'dev' }, ctx)).rejects.toMatchObject({ exitCode })
    expect(changes()).toEqual([])
  })

  it('say so when the registry’s port was taken meanwhile', async () => {
    const { ctx, all } = await setup({ running: false })
    const docker = fakeDocker([...all.values()], { busy: [5051], networks: ['kind'], more: { 'docker exec *': '' } })
    await expect(
      startCluster(
        { name: 'dev' },
        {
          ...ctx,
          exec: async (file, args, options) =>
            args?.includes('dev-control-plane') ? { stdout: '', stderr: '', exitCode: 0 } : docker.exec(file, args, options),
        },
      ),
    ).rejects.toMatchObject({ code: 'conflict' })
  })
})

describe('listClusters', () => {
  it('is empty where nothing was made', async () => {
    expect(await listClusters({}, fakeContext())).toEqual([])
  })

  it('tells which run', async () => {
    const { ctx, known, all } = await setup()
    const more = (name: string, over: object = {}) =>
      writeRecord(ctx, { ...known, name, context: `kind-${name}`, nodes: [`id-${name}-control-plane`], port: undefined, ...over })
    for (const it of [{ ...fakeNode('b'), running: false }, fakeNode('c'), { ...fakeNode('c', 'c-worker'), running: false }, fakeNode('d')])
      all.set(it.name, { id: `id-${it.name}`, image: '', running: true, port: 0, created: '', networks: [], ...it })
    await Promise.all([more('a'), more('b'), more('c'), more('d', { nodes: undefined }), more('dev-2')])
    const list = await listClusters({}, ctx)
    expect(list.map(({ name, status, registry }) => [name, status, registry])).toEqual([
      ['a', 'gone', undefined],
      ['b', 'stopped', undefined],
      ['c', 'partly', undefined],
      ['d', 'half-made', undefined],
      ['dev', 'running', 'localhost:5051'],
      ['dev-2', 'gone', undefined],
    ])
    expect(JSON.parse(JSON.stringify(list.at(-2)))).toEqual({
      name: 'dev',
      provider: 'Docker',
      distribution: 'Vanilla',
      status: 'running',
      project: known.project,
      kubeconfig: known.kubeconfig,
      context: 'kind-dev',
      registry: 'localhost:5051',
    })
  })

  it('tells one that is being made from one that was cut off', async () => {
    const { ctx } = await setup({ record: { nodes: undefined, created: '2020-01-01T00:00:00Z' } })
    const look = async () => [(await listClusters({}, ctx))[0]?.status, (await clusterInfo({ name: 'dev' }, ctx)).down]
    await withLock(ctx, lockOf(ctx, 'dev'), 'cluster dev', async () =>
      expect(await look()).toEqual(['making', ['cluster dev is being made at this moment by another ksail']]),
    )
    expect(await look()).toEqual(['half-made', [expect.stringContaining('was never finished')]])
  })

  it('lists them also while docker is down', async () => {
    const { ctx, known } = await setup()
    const down = fakeContext({
      cwd: known.project,
      env: ctx.env,
      exec: fakeExec({ 'docker ps *': { exitCode: 1, stderr: 'Cannot connect to the Docker daemon' } }),
    })
    expect((await listClusters({}, down)).map(({ status }) => status)).toEqual(['unknown'])
    expect(down.texts()).toEqual(['cluster dev: docker does not answer'])
  })
})

describe('clusterInfo', () => {
  const config =
    'current-context: kind-dev\ncontexts: [{name: kind-dev, context: {cluster: kind-dev}}]\nclusters: [{name: kind-dev, cluster: {server: "https://127.0.0.1:1"}}]\n'

  it('shows a whole cluster', async () => {
    const { ctx, known } = await setup()
    mkdirSync(dirname(known.kubeconfig), { recursive: true })
    writeFileSync(known.kubeconfig, config)
    expect(await clusterInfo({ name: 'dev' }, ctx)).toEqual({
      name: 'dev',
      provider: 'Docker',
      distribution: 'Vanilla',
      status: 'running',
      project: known.project,
      kubeconfig: known.kubeconfig,
      context: 'kind-dev',
      current: true,
      madeOf: 'nodes',
      nodes: [{ name: 'dev-control-plane', status: 'running' }],
      registry: { container: 'dev-local-registry', status: 'running', address: 'localhost:5051', answers: true },
      engine: { name: 'None', url: undefined, tag: undefined, revision: undefined },
      down: [],
    })
  })

  it('names what is down', async () => {
    const stopped = await setup({ running: false })
    expect((await clusterInfo({ name: 'dev' }, stopped.ctx)).down).toEqual([
      'cluster dev is stopped: run ksail cluster start',
      `${stopped.known.kubeconfig} has no context kind-dev: run ksail cluster create`,
    ])
    // start would refuse it
    const cutOff = await setup({ running: false, record: { nodes: undefined, created: '2020-01-01T00:00:00Z' } })
    expect((await clusterInfo({ name: 'dev' }, cutOff.ctx)).down).toEqual([
      'cluster dev was never finished: run ksail cluster create, which goes on where it was',
    ])
    const lost = await setup({ containers: [] })
    expect((await clusterInfo({ name: 'dev' }, lost.ctx)).down).toEqual([
      'there is no cluster dev: run ksail cluster create',
      'the registry is gone: run ksail cluster create',
    ])
  })

  it('fails with status 6 where nothing of that name was ever made', async () => {
    const never = await setup({ containers: [], record: false })
    await expect(clusterInfo({ name: 'dev' }, never.ctx)).rejects.toMatchObject({
      exitCode: 6,
      message: 'there is no cluster dev',
      hint: 'run ksail cluster create',
    })
  })

  it('says that the engine cannot be asked', async () => {
    const { ctx, known } = await setup()
    writeFileSync(known.kubeconfig, config)
    const failing = {
      ...ctx,
      spawn: () => ({ pid: 1, ended: Promise.resolve({ exitCode: 1, stderr: 'error: no route' }), stop: async () => undefined }),
    }
    const { engine, down } = await clusterInfo({ name: 'dev', engine: 'Flux' }, failing)
    expect([engine.url, down.join()]).toEqual([undefined, expect.stringContaining('no route')])
  })
})
