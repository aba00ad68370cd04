import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { deleteCluster } from '../../../lib/cluster/delete.ts'
import type { Context } from '../../../lib/base/context.ts'
import { createRecord, listRecords, readRecord, writeRecord } from '../../../lib/providers/record.ts'
import { fakeContext } from '../../fakes/context.ts'
import { fakeDocker, fakeNode, type FakeContainer } from '../../fakes/docker.ts'

const labels = (project: string, id = 'abc') => ({
  'io.ksail.cluster': 'dev',
  'io.ksail.role': 'registry',
  'io.ksail.project': id,
  'io.ksail.directory': project,
})
const kubeconfig = (server: string) =>
  `current-context: kind-dev\ncontexts: [{name: kind-dev, context: {cluster: kind-dev, user: kind-dev}}]\nclusters: [{name: kind-dev, cluster: {server: "${server}"}}]\n`

interface Setup {
  readonly containers?: (project: string) => FakeContainer[]
  readonly volume?: (project: string) => Record<string, string>
  readonly record?: object | false
  readonly server?: string
  readonly networks?: string[]
  readonly ask?: Context['ask']
}

const setup = async ({ containers, volume = labels, record = {}, server, networks = ['kind'], ask }: Setup = {}) => {
  const project = fakeContext().cwd
  const docker = fakeDocker(
    (containers ?? ((it) => [fakeNode('dev'), { name: 'dev-local-registry', labels: labels(it), networks: ['kind'] }]))(project),
    { volumes: { 'dev-local-registry': volume(project) }, networks },
  )
  const ctx = fakeContext({ cwd: project, exec: docker.exec, ...(ask === undefined ? {} : { ask }) })
  const file = join(dirname(project), 'kubeconfig')
  mkdirSync(dirname(file), { recursive: true })
  if (server !== undefined) writeFileSync(file, kubeconfig(server))
  if (record !== false)
    await writeRecord(ctx, {
      id: 'abc',
      name: 'dev',
      project,
      provider: 'Docker',
      distribution: 'Vanilla',
      created: '2026-11-01T10:00:00Z',
      kubeconfig: file,
      context: 'kind-dev',
      nodes: ['id-dev-control-plane'],
      ...record,
    })
  return { ...docker, ctx, file, left: () => [...docker.all.keys(), ...docker.disks.keys()] }
}

describe('deleteCluster', () => {
  it('removes nodes, registry, volume, context and record, and says so', async () => {
    const { ctx, exec, file, left, nets } = await setup({ server: 'https://127.0.0.1:40001' })
    const { removed } = await deleteCluster({ name: 'dev' }, ctx)
    expect(removed).toEqual([
      'node dev-control-plane',
      'container dev-local-registry',
      'volume dev-local-registry',
      `context kind-dev in ${file}`,
    ])
    expect(exec.commands()).toContain(`kind delete cluster --name dev --kubeconfig ${file}`)
    expect([left(), [...nets]]).toEqual([[], ['kind']])
    expect(await readRecord(ctx, 'dev')).toBeUndefined()
    expect(ctx.texts()).toContain('will remove node dev-control-plane')
  })

  it('is a success when nothing is left', async () => {
    const { ctx, exec } = await setup()
    await deleteCluster({ name: 'dev' }, ctx)
    const before = exec.calls.length
    expect(await deleteCluster({ name: 'dev' }, ctx)).toEqual({ name: 'dev', removed: [] })
    expect(
      exec
        .commands()
        .slice(before)
        .every((it) => /^docker (version|ps|container inspect|volume inspect|network inspect)/.test(it)),
    ).toBe(true)
    expect(ctx.texts()).toContain('nothing of cluster dev is left')
  })

  it('cleans up after nodes that are gone, and after a create that was cut off', async () => {
    const gone = await setup({
      containers: (project) => [{ name: 'dev-local-registry', labels: labels(project) }],
      server: 'https://127.0.0.1:1',
    })
    expect((await deleteCluster({ name: 'dev' }, gone.ctx)).removed).toEqual([
      'container dev-local-registry',
      'volume dev-local-registry',
      `context kind-dev in ${gone.file}`,
    ])
    expect(gone.left()).toEqual([])
    const half = await setup({ record: { nodes: undefined } })
    await deleteCluster({ name: 'dev' }, half.ctx)
    expect(half.left()).toEqual([])
  })

  it('keeps the volume with keepStorage', async () => {
    const { ctx, left } = await setup()
    expect((await deleteCluster({ name: 'dev', keepStorage: true }, ctx)).removed).not.toContain('volume dev-local-registry')
    expect(left()).toEqual(['dev-local-registry'])
  })

  it.each<[string, Setup, RegExp]>([
    [
      'a node that nobody recorded',
      { record: false, containers: () => [fakeNode('dev')] },
      /node dev-control-plane belongs to somebody else/,
    ],
    ['the cluster of another project', { record: { project: '/elsewhere' } }, /cluster dev belongs to the project in \/elsewhere/],
    [
      'a registry of another project',
      { containers: () => [fakeNode('dev'), { name: 'dev-local-registry', labels: labels('/elsewhere', 'xyz') }] },
      /container dev-local-registry belongs to the project in \/elsewhere/,
    ],
    [
      'a volume of another project',
      { volume: () => labels('/elsewhere', 'xyz') },
      /volume dev-local-registry belongs to the project in \/elsewhere/,
    ],
  ])('never touches %s, unless told to take it over', async (_case, over, why) => {
    const { ctx, left, exec } = await setup(over)
    const before = left()
    await expect(deleteCluster({ name: 'dev', yes: true }, ctx)).rejects.toMatchObject({
      exitCode: 4,
      details: expect.arrayContaining([expect.stringMatching(why)]),
    })
    expect(left()).toEqual(before)
    expect(exec.commands().some((it) => /delete|docker rm/.test(it))).toBe(false)
    await deleteCluster({ name: 'dev', yes: true, adopt: true }, ctx)
    expect(left()).toEqual([])
  })

  it('leaves neighbours of a similar name alone', async () => {
    const { ctx, left } = await setup({
      containers: (project) => [
        fakeNode('dev'),
        fakeNode('dev-2'),
        { name: 'dev-2-local-registry', labels: { ...labels(project, 'two'), 'io.ksail.cluster': 'dev-2' } },
      ],
    })
    await deleteCluster({ name: 'dev' }, ctx)
    expect(left()).toEqual(['dev-2-control-plane', 'dev-2-local-registry'])
  })

  it('leaves a context of that name alone that leads to another machine', async () => {
    const { ctx, exec, file } = await setup({ server: 'https://10.0.0.7:6443' })
    const { removed } = await deleteCluster({ name: 'dev' }, ctx)
    expect(removed.join()).not.toContain('context')
    expect(
      exec
        .commands()
        .filter((it) => it.startsWith('kind delete'))
        .every((it) => !it.includes(file)),
    ).toBe(true)
  })

  it('asks where somebody can answer, and does nothing after a no', async () => {
    const asked: string[] = []
    const ask = {
      available: true,
      confirm: async (question: string) => (asked.push(question), false),
      text: async () => '',
      select: async () => '',
    }
    const { ctx, left } = await setup({ ask })
    const before = left()
    await expect(deleteCluster({ name: 'dev' }, ctx)).rejects.toMatchObject({ code: 'refused' })
    expect([asked, left()]).toEqual([['remove cluster dev?'], before])
    await deleteCluster({ name: 'dev', yes: true }, ctx)
    expect([asked.length, left()]).toEqual([1, []])
  })

  it('removes the network that it made once nobody uses it', async () => {
    const alone = await setup({ record: { network: 'made' } })
    expect((await deleteCluster({ name: 'dev' }, alone.ctx)).removed).toContain('network kind')
    expect([...alone.nets]).toEqual([])
    const shared = await setup({
      record: { network: 'made' },
      containers: (project) => [
        fakeNode('dev'),
        { ...fakeNode('other'), running: false },
        { name: 'dev-local-registry', labels: labels(project) },
      ],
    })
    await createRecord(shared.ctx, {
      name: 'other',
      project: '/o',
      provider: 'Docker',
      distribution: 'Vanilla',
      kubeconfig: '/kc',
      context: 'kind-other',
      network: 'there',
    })
    expect((await deleteCluster({ name: 'dev' }, shared.ctx)).removed).not.toContain('network kind')
    expect([...shared.nets]).toEqual(['kind'])
    expect((await listRecords(shared.ctx)).map(({ name, network }) => [name, network])).toEqual([['other', 'made']])
  })
})
