import { mkdir, rename, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { judge, refuseForeign, surveyCluster, type Facts } from '../../../lib/cluster/ownership.ts'
import { createRecord, type ClusterRecord } from '../../../lib/providers/record.ts'
import { fakeContext } from '../../fakes/context.ts'
import { fakeExec } from '../../fakes/exec.ts'

const record: ClusterRecord = {
  id: 'abc',
  name: 'dev',
  project: '/app',
  provider: 'Docker',
  distribution: 'Vanilla',
  created: '2026-11-01T10:00:00.000Z',
  kubeconfig: '/kc',
  context: 'kind-dev',
  nodes: ['n1'],
}
const making = { ...record, nodes: undefined }
const node = (over = {}) => ({
  id: 'n1',
  name: 'dev-control-plane',
  running: true,
  status: 'running',
  created: '2026-11-01T10:00:05.123456789Z',
  ...over,
})
const mine = { 'io.ksail.project': 'abc', 'io.ksail.directory': '/app' }
const theirs = { 'io.ksail.project': 'xyz', 'io.ksail.directory': '/other' }
const container = (labels: Record<string, string>) => ({
  id: 'c1',
  name: 'dev-local-registry',
  running: true,
  status: 'running',
  port: 5050,
  labels,
})
const facts = (over: Partial<Facts>): Facts => ({
  name: 'dev',
  project: '/app',
  record: undefined,
  elsewhere: false,
  nodes: [],
  container: undefined,
  volume: undefined,
  networkExists: true,
  ...over,
})

describe('judge', () => {
  it.each<[string, Partial<Facts>, string]>([
    ['nothing at all', {}, 'nothing'],
    ['a record alone', { record }, 'nothing'],
    ['a record and a registry of ours, nodes gone', { record, container: container(mine), volume: mine }, 'nothing'],
    ['recorded nodes', { record, nodes: [node()], container: container(mine), volume: mine }, 'whole'],
    ['recorded nodes that are stopped', { record, nodes: [node({ running: false })] }, 'whole'],
    ['a lost worker', { record: { ...record, nodes: ['n1', 'n2'] }, nodes: [node()] }, 'whole'],
    ['a lost control plane', { record: { ...record, nodes: ['n1', 'n2'] }, nodes: [node({ id: 'n2', name: 'dev-worker' })] }, 'half-made'],
    ['nodes that are being made', { record: making, nodes: [node()] }, 'half-made'],
    ['nodes older than the record', { record: making, nodes: [node({ created: '2026-11-01T09:00:00Z' })] }, 'foreign'],
    ['nodes that the record does not know', { record, nodes: [node({ id: 'n9' })] }, 'foreign'],
    ['nodes without a record', { nodes: [node()] }, 'foreign'],
    ['the record of another folder', { record, elsewhere: true, nodes: [node()] }, 'foreign'],
    ['a registry of another project', { container: container(theirs) }, 'foreign'],
    ['a registry of nobody', { record, container: container({}) }, 'foreign'],
    ['a registry of this folder whose record is lost', { container: container(mine) }, 'foreign'],
    ['a registry that was taken over', { record: { ...record, adopted: ['c1'] }, nodes: [node()], container: container(theirs) }, 'whole'],
    ['a volume of another project', { volume: theirs }, 'foreign'],
    ['a volume that this folder kept', { volume: { ...mine, 'io.ksail.project': 'older' } }, 'nothing'],
    ['a volume that was taken over', { record: { ...record, adopted: ['dev-local-registry'] }, volume: {} }, 'nothing'],
  ])('%s', (_case, over, state) => {
    expect(judge(facts(over)).state).toBe(state)
  })

  it('names what belongs to whom and what could be taken over', () => {
    const survey = judge(facts({ nodes: [node()], container: container(theirs), volume: {} }))
    expect(survey.foreign.map(({ what, owner }) => `${what}: ${owner}`)).toEqual([
      'node dev-control-plane: somebody else: no record of ksail names it',
      'container dev-local-registry: the project in /other',
      'volume dev-local-registry: somebody else: it carries no label of ksail',
    ])
    expect(survey.adoptable).toEqual(['c1', 'dev-local-registry'])
    expect(() => refuseForeign({ name: 'dev' }, survey, 'pass --adopt')).toThrow(
      expect.objectContaining({ exitCode: 4, hint: 'pass --adopt' }),
    )
  })

  it('remembers who made the network', () => {
    expect(judge(facts({ networkExists: false })).network).toBe('made')
    expect(judge(facts({})).network).toBe('there')
    expect(judge(facts({ record: { ...record, network: 'made' } })).network).toBe('made')
  })
})

it('calls parts what they are where the cluster runs', () => {
  const nouns = { node: 'process', registry: 'process', storage: 'storage of' }
  const { foreign } = judge(facts({ nodes: [node({ name: 'etcd' })], container: container(theirs), volume: theirs, nouns }))
  expect(foreign.map(({ what }) => what)).toEqual(['process etcd', 'process dev-local-registry', 'storage of dev-local-registry'])
})

describe('surveyCluster', () => {
  const exec = () =>
    fakeExec({
      'docker ps *': '',
      'docker container inspect *': { exitCode: 1, stdout: '[]', stderr: 'Error: No such container: dev-local-registry' },
      'docker volume inspect *': { exitCode: 1, stderr: 'no such volume' },
      'docker network inspect *': { exitCode: 1 },
    })

  it('knows the folder by whatever way, and a moved project as another one', async () => {
    const ctx = fakeContext({ exec: exec() })
    const target = { name: 'dev', project: ctx.cwd, distribution: 'Vanilla', provider: 'Docker' }
    expect(await surveyCluster(ctx, target)).toMatchObject({ state: 'nothing', network: 'made', record: undefined })
    const other = join(dirname(ctx.cwd), 'link')
    await symlink(ctx.cwd, other)
    await createRecord(ctx, { ...record, project: other })
    expect((await surveyCluster(ctx, target)).foreign).toEqual([])
    const moved = join(dirname(ctx.cwd), 'moved')
    await rename(ctx.cwd, moved)
    await mkdir(join(dirname(ctx.cwd), 'project2'))
    const survey = await surveyCluster(ctx, { ...target, project: moved })
    expect(survey.foreign).toEqual([{ what: 'cluster dev', owner: `the project in ${other}, a folder that is gone` }])
    // nobody can go there
    expect(() => refuseForeign(target, survey, 'pass --adopt')).toThrow(expect.objectContaining({ hint: 'pass --adopt' }))
    expect(() => refuseForeign(target, survey, 'choose another cluster with --name')).toThrow(
      expect.objectContaining({ hint: 'take it over with ksail cluster create --adopt' }),
    )
    await mkdir(ctx.cwd)
    const twin = await surveyCluster(ctx, { ...target, project: moved })
    expect(twin.foreign).toEqual([{ what: 'cluster dev', owner: `the project in ${other}` }])
    expect(() => refuseForeign(target, twin, 'pass --adopt')).toThrow(
      expect.objectContaining({ hint: `pass --adopt, or run the command in ${other}` }),
    )
  })
})
