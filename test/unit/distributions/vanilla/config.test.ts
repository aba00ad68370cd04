import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { kindConfig } from '../../../../lib/distributions/vanilla/config.ts'
import { fakeTarget } from '../../../fakes/target.ts'

const header = 'kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n'
const of = (over: Parameters<typeof fakeTarget>[0], text?: string, cgroupVersion = '2') =>
  kindConfig(fakeTarget(over), { text, cgroupVersion })
const roles = (text: string): string[] => (parse(text) as { nodes: { role: string }[] }).nodes.map(({ role }) => role)

describe('kindConfig', () => {
  it('makes one node where nobody says how many', () => {
    expect(parse(of({}))).toEqual({
      kind: 'Cluster',
      apiVersion: 'kind.x-k8s.io/v1alpha4',
      name: 'dev',
      nodes: [{ role: 'control-plane' }],
      kubeadmConfigPatches: [expect.stringContaining('leader-elect: "false"')],
    })
  })

  it('lets a control plane of one node start without election and rate limit; what kind.yaml says comes later and so holds', () => {
    const own = 'kind: ClusterConfiguration\nscheduler: {extraArgs: {v: "5"}}\n'
    const text = `${header}kubeadmConfigPatches:\n  - |\n    ${own.trim().replace('\n', '\n    ')}\n`
    const patches = (parse(of({}, text)) as { kubeadmConfigPatches: string[] }).kubeadmConfigPatches
    expect(patches).toEqual([expect.stringContaining('leader-elect'), own])
    expect(parse(patches[0] ?? '')).toEqual({
      kind: 'ClusterConfiguration',
      controllerManager: { extraArgs: { 'leader-elect': 'false', 'kube-api-qps': '500', 'kube-api-burst': '1000' } },
      scheduler: { extraArgs: { 'leader-elect': 'false' } },
    })
  })

  it('leaves the election to control planes of several nodes', () => {
    expect(of({ controlPlanes: 3 })).not.toContain('leader-elect')
    expect(of({}, `${header}nodes: [{role: control-plane}, {role: control-plane}]\n`)).not.toContain('leader-elect')
    expect(of({}, `${header}nodes: [{role: control-plane}, {role: worker}]\n`)).toContain('leader-elect')
  })

  it('makes the wanted numbers', () => expect(roles(of({ controlPlanes: 1, workers: 2 }))).toEqual(['control-plane', 'worker', 'worker']))

  it('takes kind.yaml as it stands, with its comments, and the name of the cluster', () => {
    const text = `${header}name: other\nnodes:\n  - role: control-plane # the only one\n    image: example/node:v1\n`
    const out = of({}, text)
    expect(out).toContain('# the only one')
    expect(parse(out)).toMatchObject({ name: 'dev', nodes: [{ role: 'control-plane', image: 'example/node:v1' }] })
  })

  it('keeps the nodes of kind.yaml when nobody names a number, and follows a number that is named', () => {
    const text = `${header}nodes:\n  - role: control-plane\n  - role: worker\n    image: a\n`
    expect(roles(of({}, text))).toEqual(['control-plane', 'worker'])
    expect(roles(of({ workers: 0 }, text))).toEqual(['control-plane'])
    expect(parse(of({ workers: 2 }, text))).toMatchObject({
      nodes: [{ role: 'control-plane' }, { role: 'worker', image: 'a' }, { role: 'worker', image: 'a' }],
    })
  })

  it('lets kubelets run on control groups version 1, once', () => {
    const patched = of({}, header, '1')
    expect(parse(patched)).toMatchObject({
      kubeadmConfigPatches: [expect.any(String), 'kind: KubeletConfiguration\nfailCgroupV1: false\n'],
    })
    expect((of({}, patched, '1').match(/failCgroupV1/g) ?? []).length).toBe(1)
    const own = of({}, `${header}kubeadmConfigPatches:\n  - |\n    kind: InitConfiguration\n`, '1')
    expect((parse(own) as { kubeadmConfigPatches: string[] }).kubeadmConfigPatches).toHaveLength(3)
    expect(of({}, header, '2')).not.toContain('failCgroupV1')
  })

  it('names the place of broken YAML', () => {
    expect(() => of({}, `${header}nodes: [\n`)).toThrow(
      expect.objectContaining({
        code: 'config',
        message: expect.stringMatching(/^\/project\/kind\.yaml:\d+:\d+: flow sequence in block collection must be .*end with a \]$/),
      }),
    )
  })

  it('refuses a file of another kind', () => {
    expect(() => of({}, 'kind: Deployment\n')).toThrow(
      expect.objectContaining({ code: 'config', message: expect.stringContaining('is not a configuration of kind') }),
    )
  })
})
