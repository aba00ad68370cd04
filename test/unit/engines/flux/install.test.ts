import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ExecError } from '../../../../lib/base/errors.ts'
import type { Target } from '../../../../lib/base/target.ts'
import { componentsOf } from '../../../../lib/engines/flux/components.ts'
import { installManifests } from '../../../../lib/engines/flux/install.ts'
import { engineOf } from '../../../../lib/engines/index.ts'
import { fakeContext } from '../../../fakes/context.ts'
import { fakeExec } from '../../../fakes/exec.ts'

const target = (over: Partial<Target> = {}): Target =>
  ({ distribution: 'Vanilla', fluxProfile: 'local', controlPlanes: 1, path: './', ...over }) as Target
const components = ['source-controller', 'kustomize-controller']
const exported =
  '---\napiVersion: v1\nkind: Service\nmetadata:\n  name: source-controller\n---\napiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: a\n'
const tools = () =>
  fakeExec({
    'flux version --client': 'flux: v2.9.4\n',
    'flux install --export --components=source-controller,kustomize-controller --network-policy=false': exported,
  })

describe('the manifests of the controllers', () => {
  it('are made once and then read from the cache', async () => {
    const exec = tools()
    const ctx = fakeContext({ exec })
    const first = await installManifests(ctx, target(), { components })
    expect(await installManifests(ctx, target(), { components })).toBe(first)
    expect(exec.commands().filter((command) => command.startsWith('flux install'))).toHaveLength(1)
  })

  it('are those of flux install in the stock profile, and where ksail did not make the cluster', async () => {
    expect(await installManifests(fakeContext({ exec: tools() }), target({ fluxProfile: 'stock' }), { components })).toBe(exported)
    expect(await installManifests(fakeContext({ exec: tools() }), target({ distribution: 'Existing' }), { components })).toBe(exported)
    expect(await installManifests(fakeContext({ exec: tools() }), target(), { components })).not.toContain('kind: Service\n')
  })
})

describe('the controllers that a folder needs', () => {
  const release = 'apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata:\n  name: x\n'

  it('has helm-controller only when the start folder builds a HelmRelease', async () => {
    const exec = fakeExec({ 'kubectl kustomize /p/k8s': 'kind: ConfigMap\n', 'kubectl kustomize /q/k8s': release })
    expect(await componentsOf(fakeContext({ exec }), target({ source: '/p/k8s' }))).toEqual(components)
    expect(await componentsOf(fakeContext({ exec }), target({ source: '/q/k8s' }))).toEqual([...components, 'helm-controller'])
  })

  it('reads a plain tree without a process, and what no kustomization names does not count', async () => {
    const ctx = fakeContext({ exec: fakeExec() })
    const source = join(ctx.cwd, 'k8s')
    mkdirSync(join(source, 'apps'), { recursive: true })
    writeFileSync(join(source, 'kustomization.yaml'), 'resources: []\n')
    writeFileSync(join(source, 'apps', 'kustomization.yaml'), 'resources: [release.yaml]\n')
    writeFileSync(join(source, 'apps', 'release.yaml'), release)
    expect(await componentsOf(ctx, target({ source, project: ctx.cwd, path: './' }))).toEqual(components)
    writeFileSync(join(source, 'kustomization.yaml'), 'resources: [apps]\n')
    expect(await componentsOf(ctx, target({ source, project: ctx.cwd, path: './' }))).toEqual([...components, 'helm-controller'])
  })

  it('looks into the folders that Kustomizations of the start folder name', async () => {
    const child = 'apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata:\n  name: apps\nspec:\n  path: ./apps\n'
    const exec = fakeExec({ 'kubectl kustomize /p/k8s/clusters/local': child, 'kubectl kustomize /p/k8s/apps': release })
    expect(await componentsOf(fakeContext({ exec }), target({ source: '/p/k8s', path: './clusters/local' }))).toContain('helm-controller')
  })

  it('reads the files of a folder that kustomize cannot build, as Flux does', async () => {
    const failure = new ExecError('exec', 'kubectl kustomize failed', {
      command: '',
      file: 'kubectl',
      exitCode: 1,
      signal: null,
      stdout: '',
      stderr: 'no kustomization.yaml',
    })
    const ctx = fakeContext({ exec: fakeExec({ 'kubectl kustomize *': failure }) })
    mkdirSync(join(ctx.cwd, 'k8s'))
    writeFileSync(join(ctx.cwd, 'k8s', 'release.yaml'), release)
    expect(await componentsOf(ctx, target({ source: join(ctx.cwd, 'k8s'), project: ctx.cwd, path: './' }))).toContain('helm-controller')
  })
})

describe('the table of engines', () => {
  it('has no engine of another name', () => {
    expect(() => engineOf('Fleet')).toThrow(expect.objectContaining({ code: 'config', hint: 'choose one of None, Flux' }))
  })

  it('does nothing without an engine, and says so when asked to reconcile', async () => {
    const none = engineOf('None')
    const ctx = fakeContext()
    expect([
      await none.controllers.pods.manifests(ctx, target(), { components: [] }),
      await none.controllers.processes.manifests(ctx, target(), { components: [] }),
      await none.components(ctx, target()),
      await none.source(ctx, target()),
    ]).toEqual(['', '', [], undefined])
    await expect(none.reconcile(ctx, target({ name: 'dev' }), { digest: '', tag: '' })).rejects.toMatchObject({ code: 'config' })
  })
})
