import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { vanillaOnDocker } from '../../../../lib/distributions/vanilla/docker.ts'
import { fakeContext, tempFolder } from '../../../fakes/context.ts'
import { fakeExec } from '../../../fakes/exec.ts'
import { fakeTarget } from '../../../fakes/target.ts'

/** Printed by kind 0.33 on a stderr that is no terminal. */
const KIND = [
  'Creating cluster "dev" ...',
  ' • Ensuring node image (kindest/node:v1.34.10) 🖼  ...',
  ' ✓ Ensuring node image (kindest/node:v1.34.10) 🖼',
  ' • Preparing nodes 📦   ...',
  ' ✓ Preparing nodes 📦 ',
  ' • Writing configuration 📜  ...',
  ' ✓ Writing configuration 📜',
  ' • Starting control-plane 🕹️  ...',
  ' ✓ Starting control-plane 🕹️',
]

const container = JSON.stringify([
  {
    Id: 'abc',
    Name: '/dev-control-plane',
    Created: '2026-01-01T00:00:00Z',
    State: { Running: true, Status: 'running' },
    Config: { Image: 'n', Labels: null, Env: null },
    NetworkSettings: { Ports: null, Networks: null },
    Mounts: null,
  },
])

const world = (kind: { readonly exitCode: number; readonly lines: readonly string[] }) => {
  const exec = fakeExec({
    'docker info *': '2\n',
    'docker ps *': 'abc\n',
    'docker container inspect abc': container,
    'docker exec *': '',
    'kind create cluster *': { exitCode: kind.exitCode, stderr: `${kind.lines.join('\n')}\n` },
  })
  const target = fakeTarget({ kubeconfig: join(tempFolder(), 'kube', 'config'), nodeImage: 'example/node:v1' })
  return { exec, target, ctx: fakeContext({ exec }) }
}

describe('make', () => {
  it('gives kind the configuration on stdin and the image of the settings, and keeps failed nodes for their logs', async () => {
    const { exec, target, ctx } = world({ exitCode: 0, lines: KIND })
    await vanillaOnDocker.make(ctx, target, ctx.signal).done
    const call = exec.calls.find(({ file }) => file === 'kind')
    expect(call?.command).toBe(
      `kind create cluster --name dev --config - --kubeconfig ${target.kubeconfig} --retain --image example/node:v1`,
    )
    expect(call?.options.input).toContain('name: dev\n')
    expect(existsSync(join(target.kubeconfig, '..'))).toBe(true)
  })

  it('says what kind is at, and when programs can run in the node', async () => {
    const { target, ctx } = world({ exitCode: 0, lines: KIND })
    const making = vanillaOnDocker.make(ctx, target, ctx.signal)
    expect(await making.booted).toEqual(['dev-control-plane'])
    expect(ctx.texts()).toEqual([
      'kind: ensuring node image (kindest/node:v1.34.10)',
      'kind: preparing nodes',
      'kind: writing configuration',
      'kind: starting control-plane',
    ])
  })

  it('applies manifests from inside the first node, on stdin', async () => {
    const { exec, target, ctx } = world({ exitCode: 0, lines: KIND })
    await vanillaOnDocker.make(ctx, target, ctx.signal).apply('kind: Namespace', { manager: 'flux' })
    const call = exec.calls.find(({ command }) => command.startsWith('docker exec -i dev-control-plane bash -c'))
    expect(call?.options.input).toBe('kind: Namespace')
    expect(call?.args.slice(-2)).toEqual(['apply', 'flux'])
  })

  it('fails every milestone with what kind said', async () => {
    const { target, ctx } = world({ exitCode: 1, lines: ['ERROR: failed to create cluster: failed to pull image "example/node:v1"'] })
    const making = vanillaOnDocker.make(ctx, target, ctx.signal)
    const expected = { code: 'exec', hint: expect.stringContaining('--node-image') }
    await expect(making.done).rejects.toMatchObject(expected)
    await expect(making.booted).rejects.toMatchObject(expected)
    await expect(making.apply('', { manager: 'flux' })).rejects.toMatchObject(expected)
  })

  it('says which file to correct where kind does not take its configuration', async () => {
    const why = 'ERROR: failed to create cluster: unable to decode config: yaml: unmarshal errors:\n  line 6: field node not found'
    const { target, ctx } = world({ exitCode: 1, lines: [why] })
    await expect(vanillaOnDocker.make(ctx, target, ctx.signal).done).rejects.toMatchObject({
      exitCode: 2,
      hint: expect.stringContaining('correct kind.yaml'),
    })
  })
})

describe('adopt', () => {
  const adopted = async (over: object, kindYaml?: string) => {
    const distributionConfig = join(tempFolder(), 'kind.yaml')
    if (kindYaml !== undefined) writeFileSync(distributionConfig, kindYaml)
    const { ctx, target } = world({ exitCode: 0, lines: [] })
    const { done } = vanillaOnDocker.adopt(ctx, { ...target, nodeImage: undefined, distributionConfig, ...over }, ctx.signal)
    await done.catch(() => undefined)
    return ctx.texts().filter((text) => text.includes('keeps what'))
  }
  const head = 'kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n'
  it.each([
    [{}, undefined, []],
    [{}, `${head}nodes: [{role: control-plane, image: n}]\n`, []],
    [{ nodeImage: 'n@sha256:abc' }, head, []],
    [{}, `${head}nodes: [`, []],
    [{ workers: 2 }, head, ['1 node, not 3']],
    [{}, `${head}nodes: [{role: control-plane}, {role: worker}]\n`, ['1 node, not 2']],
    [{ kubernetesVersion: '1.30.0' }, head, ['n, not kindest/node:v1.30.0']],
  ])('says what nodes that are there do not become: %j, %j', async (over, kindYaml, kept) =>
    expect(await adopted(over, kindYaml)).toEqual(
      kept.map((it) => `cluster dev keeps what it was made with: ${it}: delete it to have that`),
    ),
  )
})

describe('saveLogs', () => {
  it('tells whether there was anything to save', async () => {
    const folder = tempFolder()
    expect(await vanillaOnDocker.saveLogs(fakeContext({ exec: fakeExec({ 'docker ps *': '' }) }), 'dev', folder)).toEqual([])
    const exec = fakeExec({
      'docker ps *': 'abc\n',
      'docker container inspect abc': container,
      'docker exec *': '',
      'docker logs *': 'booting',
    })
    expect(await vanillaOnDocker.saveLogs(fakeContext({ exec }), 'dev', folder)).toEqual([
      { was: 'docker logs dev-control-plane', file: join(folder, 'dev-control-plane.log') },
    ])
    expect(existsSync(join(folder, 'dev-control-plane.log'))).toBe(true)
  })
})

describe('start', () => {
  it('starts the control plane before the workers, so that it takes its old address', async () => {
    const one = (name: string, running: boolean) => ({
      Id: name,
      Name: `/${name}`,
      Created: '',
      State: { Running: running, Status: '' },
      Config: { Image: '', Labels: null, Env: null },
      NetworkSettings: { Ports: null, Networks: null },
      Mounts: null,
    })
    const exec = fakeExec({
      'docker ps *': 'a\nb\nc\n',
      'docker container inspect a b c': JSON.stringify([
        one('dev-worker', false),
        one('dev-control-plane', false),
        one('dev-worker2', true),
      ]),
      'docker start *': '',
    })
    await vanillaOnDocker.start(fakeContext({ exec }), 'dev', { timeout: 1000 })
    expect(exec.commands().at(-1)).toBe('docker start dev-control-plane dev-worker')
  })
})

it('its context is the one of kind', () => expect(vanillaOnDocker.contextOf('dev')).toBe('kind-dev'))
