import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { initProject, type InitOptions } from '../../../lib/cluster/init.ts'
import { loadProject } from '../../../lib/config/project.ts'
import { fakeContext } from '../../fakes/context.ts'

type Ctx = ReturnType<typeof fakeContext>
const read = (ctx: Ctx, path: string): Promise<string> => readFile(join(ctx.cwd, path), 'utf8')
const yaml = async (ctx: Ctx, path: string): Promise<unknown> => parse(await read(ctx, path))
const all = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((it) => it.isFile())
    .map((it) => it.name)
    .toSorted()
/** As the command line gives it: words in any case, numbers as texts. */
const typed = (options: Readonly<Record<string, unknown>>): InitOptions => options
const flux = typed({ name: 'dev', distribution: 'vanilla', engine: 'flux' })

describe('initProject', () => {
  it('writes a whole project and says so', async () => {
    const ctx = fakeContext()
    const result = await initProject(flux, ctx)
    expect(result).toEqual({
      directory: ctx.cwd,
      name: 'dev',
      files: [
        '.gitignore',
        'flux/kustomization.yaml',
        'flux/oci-repository.yaml',
        'k8s/apps/podinfo/helm-release.yaml',
        'k8s/apps/podinfo/kustomization.yaml',
        'k8s/apps/podinfo/oci-repository.yaml',
        'k8s/kustomization.yaml',
        'kind.yaml',
        'ksail.yaml',
      ].map((path) => ({ path, action: 'created' })),
    })
    expect(ctx.events).toEqual(result.files.map(({ path, action }) => ({ kind: 'file', action, path })))
    expect(await read(ctx, 'ksail.yaml')).toBe(`# yaml-language-server: $schema=https://unpkg.com/ksail/templates/schema/ksail.schema.json
apiVersion: ksail.io/v1alpha1
kind: Cluster
metadata:
  name: dev
spec:
  cluster:
    gitOpsEngine: Flux
`)
    expect(await yaml(ctx, 'kind.yaml')).toEqual({
      kind: 'Cluster',
      apiVersion: 'kind.x-k8s.io/v1alpha4',
      name: 'dev',
      nodes: [{ role: 'control-plane' }],
    })
    expect(await read(ctx, 'k8s/kustomization.yaml')).toContain('\nresources: []\n')
    expect(await yaml(ctx, 'flux/oci-repository.yaml')).toMatchObject({
      spec: { url: 'oci://dev-local-registry:5000/k8s', insecure: true },
    })
    expect(await read(ctx, 'flux/oci-repository.yaml')).toMatch(/^# What Flux watches/)
    for (const path of (await readdir(ctx.cwd, { recursive: true })).filter((it) => it.endsWith('.yaml')))
      expect(await read(ctx, path)).not.toContain(ctx.cwd)
  })

  it('writes no defaults, and no flux folder without an engine', async () => {
    const ctx = fakeContext()
    await initProject(typed({ name: 'dev', engine: 'None', provider: 'auto', sourceDirectory: './k8s/', workers: 0 }), ctx)
    expect(await yaml(ctx, 'ksail.yaml')).toEqual({ apiVersion: 'ksail.io/v1alpha1', kind: 'Cluster', metadata: { name: 'dev' }, spec: {} })
    expect(await readdir(ctx.cwd)).not.toContain('flux')
  })

  it('writes what holds wherever the project is, and what else nobody would remember', async () => {
    const ctx = fakeContext()
    await initProject({ name: 'dev', provider: 'Host', workers: 2, kubeconfig: './kc' }, ctx)
    expect(await yaml(ctx, 'ksail.yaml')).toMatchObject({
      spec: { cluster: { provider: 'Host', workers: 2, connection: { kubeconfig: './kc' } } },
    })
    const other = fakeContext()
    await initProject({ name: 'dev', directory: 'sub', kubeconfig: 'kc' }, other)
    expect(await yaml(other, 'sub/ksail.yaml')).toMatchObject({ spec: { cluster: { connection: { kubeconfig: join(other.cwd, 'kc') } } } })
  })

  it('puts each choice where it belongs', async () => {
    const ctx = fakeContext({ env: { KSAIL_REGISTRY_IMAGE: 'env/registry:3' } })
    await initProject(
      typed({
        ...flux,
        provider: 'docker',
        sourceDirectory: 'deploy/manifests',
        kustomizationFile: 'clusters/local',
        controlPlanes: 3,
        workers: '1',
        nodeImage: 'kindest/node:v1.34.0',
        localRegistry: '${GITHUB_ACTOR}:${GITHUB_TOKEN}@ghcr.io/org/app:${TAG:-dev}',
        kubernetesVersion: '1.34.0',
        kubeconfig: '~/kc',
        context: 'kind-dev',
        example: true,
      }),
      ctx,
    )
    expect(await yaml(ctx, 'ksail.yaml')).toMatchObject({
      spec: {
        cluster: {
          provider: 'Docker',
          localRegistry: '${GITHUB_ACTOR}:${GITHUB_TOKEN}@ghcr.io/org/app:${TAG:-dev}',
          kubernetesVersion: '1.34.0',
          connection: { kubeconfig: '~/kc', context: 'kind-dev' },
        },
        workload: { sourceDirectory: 'deploy/manifests', kustomizationFile: 'clusters/local' },
      },
    })
    expect(await read(ctx, 'ksail.yaml')).not.toContain('registryImage')
    expect((await loadProject({}, ctx)).target).toMatchObject({
      name: 'dev',
      engine: 'Flux',
      path: './clusters/local',
      source: join(ctx.cwd, 'deploy/manifests'),
      context: 'kind-dev',
    })
    const node = (role: string) => ({ role, image: 'kindest/node:v1.34.0' })
    expect(await yaml(ctx, 'kind.yaml')).toMatchObject({
      nodes: [node('control-plane'), node('control-plane'), node('control-plane'), node('worker')],
    })
    expect(await yaml(ctx, 'deploy/manifests/clusters/local/kustomization.yaml')).toMatchObject({ resources: ['../../apps/podinfo'] })
    expect(await yaml(ctx, 'flux/oci-repository.yaml')).not.toHaveProperty('spec.insecure')
    expect(await yaml(ctx, 'flux/oci-repository.yaml')).toMatchObject({ spec: { url: 'oci://ghcr.io/org/app' } })
    expect(ctx.texts()).toEqual([])
  })

  it('says which files it would write, and writes none', async () => {
    const ctx = fakeContext()
    await writeFile(join(ctx.cwd, 'kind.yaml'), 'mine')
    const { files, dryRun } = await initProject({ ...flux, dryRun: true }, ctx)
    expect(dryRun).toBe(true)
    expect(files).toContainEqual({ path: 'ksail.yaml', action: 'created' })
    expect(files).toContainEqual({ path: 'kind.yaml', action: 'kept' })
    expect(ctx.texts()).toContain('would write ksail.yaml')
    expect(await all(ctx.cwd)).toEqual(['kind.yaml'])
  })

  it('puts a node image of the environment into kind.yaml, which kind reads without it', async () => {
    const ctx = fakeContext({ env: { KSAIL_NODE_IMAGE: 'mirror/node:1' } })
    await initProject(flux, ctx)
    expect(await yaml(ctx, 'kind.yaml')).toMatchObject({ nodes: [{ role: 'control-plane', image: 'mirror/node:1' }] })
    expect(await read(ctx, 'ksail.yaml')).not.toContain('nodeImage')
  })

  it('keeps what exists, overwrites with force, and says which', async () => {
    const ctx = fakeContext()
    await writeFile(join(ctx.cwd, 'kind.yaml'), '# mine\n')
    const first = await initProject(flux, ctx)
    expect(first.files.find(({ path }) => path === 'kind.yaml')?.action).toBe('kept')
    expect(await read(ctx, 'kind.yaml')).toBe('# mine\n')
    expect((await initProject(flux, ctx)).files.every(({ action }) => action === 'kept')).toBe(true)
    expect((await initProject({ ...flux, force: true }, ctx)).files.every(({ action }) => action === 'overwrote')).toBe(true)
    expect(await read(ctx, 'kind.yaml')).toContain('name: dev')
  })

  it('fits what is missing to a ksail.yaml that is there', async () => {
    const ctx = fakeContext()
    await writeFile(
      join(ctx.cwd, 'ksail.yaml'),
      'apiVersion: ksail.io/v1alpha1\nkind: Cluster\nmetadata: {name: there}\nspec: {cluster: {gitOpsEngine: Flux}, workload: {sourceDirectory: deploy}}\n',
    )
    const { name, files } = await initProject({}, ctx)
    expect([name, files.map(({ path }) => path).includes('flux/kustomization.yaml')]).toEqual(['there', true])
    expect(await yaml(ctx, 'flux/oci-repository.yaml')).toMatchObject({ spec: { url: 'oci://there-local-registry:5000/deploy' } })
    expect(await readdir(ctx.cwd)).toContain('deploy')
    await expect(initProject({ name: 'other' }, ctx)).rejects.toMatchObject({ exitCode: 2 })
  })

  it('takes the name from the folder, and works in another one', async () => {
    const ctx = fakeContext()
    expect(await initProject({ directory: 'My_App' }, ctx)).toMatchObject({ name: 'my-app', directory: join(ctx.cwd, 'My_App') })
    expect(ctx.events).toContainEqual({ kind: 'file', action: 'created', path: 'My_App/ksail.yaml' })
  })

  it.each<[string, Readonly<Record<string, unknown>>, RegExp]>([
    ['a bad name', { name: 'Dev_1' }, /Dev_1/],
    ['an unknown distribution', { distribution: 'Vanila' }, /Vanila/],
    ['a distribution of later', { distribution: 'Talos' }, /Talos/],
    ['an impossible provider', { distribution: 'Vanilla', provider: 'Hetzner' }, /Hetzner/],
    ['no control plane', { controlPlanes: 0 }, /control-planes/],
    ['a half number', { workers: '1.5' }, /workers/],
    ['a source directory outside', { sourceDirectory: '../k8s' }, /source-directory/],
    ['a kind.yaml outside', { distributionConfig: '/etc/kind.yaml' }, /distribution-config/],
    ['a start folder outside', { kustomizationFile: '../x' }, /kustomizationFile/],
    ['a registry that is none', { localRegistry: 'ghcr.io:port/x' }, /port/],
    ['a registry with a scheme', { localRegistry: 'https://${USER}@ghcr.io' }, /scheme/],
    ['a version that is none', { kubernetesVersion: 'latest' }, /latest/],
    ['a context that kind will not write', { name: 'dev', context: 'mine' }, /kind-dev/],
  ])('refuses %s before anything is written', async (_case, options, message) => {
    const ctx = fakeContext()
    await expect(initProject(typed(options), ctx)).rejects.toMatchObject({ exitCode: 2, message: expect.stringMatching(message) })
    expect(await all(ctx.cwd)).toEqual([])
  })

  it('leaves everything as it was when a file cannot be written', async () => {
    const ctx = fakeContext()
    await writeFile(join(ctx.cwd, 'k8s'), 'a file where a folder has to be')
    await writeFile(join(ctx.cwd, '.gitignore'), 'mine\n')
    await expect(initProject({ ...flux, force: true }, ctx)).rejects.toMatchObject({ code: 'failed' })
    expect(await all(ctx.cwd)).toEqual(['.gitignore', 'k8s'])
    expect(await read(ctx, '.gitignore')).toBe('mine\n')
    expect((await readdir(ctx.cwd)).toSorted()).toEqual(['.gitignore', 'k8s'])
  })

  it('never overwrites a folder, and leaves nothing of its own behind', async () => {
    const ctx = fakeContext()
    await mkdir(join(ctx.cwd, 'new', 'kind.yaml', 'x'), { recursive: true })
    await expect(initProject({ ...flux, directory: 'new', force: true }, ctx)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('kind.yaml'),
    })
    expect(await readdir(join(ctx.cwd, 'new'))).toEqual(['kind.yaml'])
    await mkdir(join(ctx.cwd, '.ksail', 'init-99999999'), { recursive: true })
    await initProject(flux, ctx)
    expect(await readdir(ctx.cwd)).not.toContain('.ksail')
    await mkdir(join(ctx.cwd, '.ksail', 'artifacts'), { recursive: true })
    await initProject({ ...flux, force: true }, ctx)
    expect(await readdir(join(ctx.cwd, '.ksail'))).toEqual(['artifacts'])
  })

  it('warns of a password that would be committed, without saying it', async () => {
    const ctx = fakeContext()
    await initProject({ ...flux, localRegistry: 'me:s3cret@ghcr.io/o/r' }, ctx)
    expect(ctx.texts().join()).toMatch(/password/)
    expect(ctx.texts().join()).not.toMatch(/s3cret/)
  })

  it('asks for what is missing, only when told so and only where somebody is', async () => {
    const asked: string[] = []
    const ask = {
      available: true,
      confirm: async () => true,
      text: async (question: string, _initial?: string, check?: (answer: string) => void) => {
        // what is wrong is told at the question, not after the last one
        for (const wrong of ['Bad Name', '']) expect(() => check?.(wrong)).toThrow(/name/)
        check?.('answered')
        return (asked.push(question), 'answered')
      },
      select: async (question: string) => (asked.push(question), 'Flux'),
    }
    expect((await initProject({ interactive: true }, fakeContext({ ask }))).name).toBe('answered')
    expect(asked).toEqual(['name of the cluster', 'GitOps engine'])
    expect((await initProject({ name: 'dev', engine: 'None', interactive: true }, fakeContext({ ask }))).name).toBe('dev')
    expect((await initProject({ interactive: true }, fakeContext())).name).toBe('project')
    expect((await initProject({}, fakeContext({ ask }))).name).toBe('project')
    expect(asked).toHaveLength(2)
  })
})
