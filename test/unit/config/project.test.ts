import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isKsailError } from '../../../lib/base/errors.ts'
import { loadProject, type ProjectOptions } from '../../../lib/config/project.ts'
import { fakeContext } from '../../fakes/context.ts'

type Files = Readonly<Record<string, string>>

const setup = (files: Files = {}, { cwd = '', env = {} }: { cwd?: string; env?: Record<string, string> } = {}) => {
  const ctx = fakeContext({ env })
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(ctx.cwd, path)), { recursive: true })
    writeFileSync(join(ctx.cwd, path), text)
  }
  mkdirSync(join(ctx.cwd, cwd), { recursive: true })
  return { ctx: { ...ctx, cwd: join(ctx.cwd, cwd) }, root: ctx.cwd }
}

const load = (files: Files, options: ProjectOptions = {}, over: Parameters<typeof setup>[1] = {}) =>
  loadProject(options, setup(files, over).ctx)

const failure = async (run: Promise<unknown>) => {
  const error = await run.then(
    () => undefined,
    (it: unknown) => it,
  )
  if (!isKsailError(error)) throw error ?? new Error('nothing was thrown')
  return error
}

const spec = (text: string): Files => ({ 'ksail.yaml': `apiVersion: ksail.io/v1alpha1\nkind: Cluster\nspec:\n${text}` })

describe('which file', () => {
  it('is the one in the working directory, else the nearest one up to the root of the repository', async () => {
    const { ctx, root } = setup({ '.git/HEAD': '', 'ksail.yaml': 'metadata: {name: upper}' }, { cwd: 'k8s/apps' })
    const project = await loadProject({}, ctx)
    expect(project).toMatchObject({
      directory: root,
      file: join(root, 'ksail.yaml'),
      cluster: { name: 'upper', from: 'metadata.name in ksail.yaml' },
    })
    expect(project.target.source).toBe(join(root, 'k8s'))
  })

  it('is never one above the repository', async () => {
    expect((await load({ 'ksail.yaml': '', 'repo/.git/HEAD': '' }, {}, { cwd: 'repo/k8s' })).file).toBeUndefined()
  })

  it('is not looked for above a folder that is in no repository', async () => {
    expect((await load({ 'ksail.yaml': '' }, {}, { cwd: 'k8s' })).file).toBeUndefined()
  })

  it('is never one of the home directory', async () => {
    const { ctx, root } = setup({ '.git/HEAD': '', 'ksail.yaml': '' }, { cwd: 'work' })
    expect((await loadProject({}, { ...ctx, env: { ...ctx.env, HOME: root } })).file).toBeUndefined()
  })

  it('is exactly the one of --config, else of KSAIL_CONFIG', async () => {
    const files = { 'ksail.yaml': 'metadata: {name: a}', 'other/b.yaml': 'metadata: {name: b}', 'c.yaml': 'metadata: {name: c}' }
    expect((await load(files, { config: 'other/b.yaml' }, { env: { KSAIL_CONFIG: 'c.yaml' } })).target.name).toBe('b')
    expect((await load(files, {}, { env: { KSAIL_CONFIG: 'c.yaml' } })).target.name).toBe('c')
    expect(await failure(load(files, { config: 'gone.yaml' }))).toMatchObject({
      code: 'config',
      exitCode: 2,
      message: 'there is no file gone.yaml',
    })
  })
})

describe('which cluster', () => {
  it('is named by --name, KSAIL_CLUSTER_NAME, metadata.name, the folder', async () => {
    expect((await load({ 'ksail.yaml': '' }, { name: 'a' }, { env: { KSAIL_CLUSTER_NAME: 'b' } })).cluster).toEqual({
      name: 'a',
      from: '--name',
    })
    expect((await load({ 'ksail.yaml': '' }, {}, { env: { KSAIL_CLUSTER_NAME: 'b' } })).cluster).toEqual({
      name: 'b',
      from: 'KSAIL_CLUSTER_NAME',
    })
    expect((await load({}, {}, { cwd: 'My App' })).cluster).toEqual({ name: 'my-app', from: 'the name of the folder' })
    expect(await failure(load({}, {}, { cwd: '2024' }))).toMatchObject({ code: 'usage', hint: 'pass --name' })
  })

  const several = {
    'ksail.yaml': 'apiVersion: ksail.io/v1alpha1\nmetadata: {name: local}',
    'ksail.prod.yaml': 'apiVersion: ksail.io/v1alpha1\nmetadata: {name: prod}\nspec: {workload: {tag: live}}',
    'ksail.values.yaml': 'mine: true',
  }
  it('is the document in ksail.yaml when nobody says more', async () => expect((await load(several)).target.name).toBe('local'))
  it.each([
    ['kind: Cluster\nmetadata: {name: stage}', 'stage'],
    ['metadata: {name: stage}\nspec: {workload: {tag: s}}', 'stage'],
    ['apiVersion: v1\nkind: Cluster\nmetadata: {name: stage}', undefined],
    ['- a', undefined],
    ['', undefined],
  ])('may stand in a file beside it without an apiVersion, but only if it is one of ours: %j', async (text, name) => {
    const found = load({ ...several, 'ksail.stage.yaml': text }, { name: 'stage' })
    if (name === undefined)
      expect(await failure(found)).toMatchObject({ exitCode: 2, details: ['local (ksail.yaml)', 'prod (ksail.prod.yaml)'] })
    else expect((await found).target.name).toBe(name)
  })
  it('is selected by name among the files', async () => {
    const { config, file, origin } = await load(several, { name: 'prod' })
    expect([config.tag, origin.tag, file?.endsWith('ksail.prod.yaml')]).toEqual(['live', 'spec.workload.tag in ksail.prod.yaml', true])
  })
  it('is refused when no document has the name', async () => {
    expect(await failure(load(several, { name: 'stage' }))).toMatchObject({
      exitCode: 2,
      details: ['local (ksail.yaml)', 'prod (ksail.prod.yaml)'],
    })
  })
  it('must be named among several documents of one file', async () => {
    const two = { 'ksail.yaml': 'metadata: {name: a}\n---\nmetadata: {name: b}' }
    expect(await failure(load(two))).toMatchObject({ exitCode: 2, details: ['a (ksail.yaml)', 'b (ksail.yaml)'] })
    expect((await load(two, { name: 'b' })).target.name).toBe('b')
    expect(await failure(load({ 'ksail.yaml': 'metadata: {name: a}\n---\nmetadata: {name: a}' }, { name: 'a' }))).toMatchObject({
      exitCode: 2,
      message: 'cluster "a" is configured more than once; there are',
      hint: 'give each a metadata.name of its own',
    })
  })
  it('must be the one of the only document', async () => {
    expect(await failure(load({ 'ksail.yaml': 'metadata: {name: a}' }, { name: 'b' }))).toMatchObject({
      exitCode: 2,
      hint: 'pass --name a, or --config',
    })
  })
  it('must have a valid name', async () =>
    expect(await failure(load({}, { name: 'My_App' }))).toMatchObject({ exitCode: 2, reason: 'charset' }))
})

describe('settings', () => {
  it('come from flag, variable, file, default, and say so', async () => {
    const files = spec('  workload: {tag: file}\n  cluster: {workers: 2, gitOpsEngine: flux, connection: {timeout: 90s}}\n')
    const { config, origin } = await load(files, { tag: 'flag' }, { env: { KSAIL_TAG: 'env', KSAIL_CONTROL_PLANES: '3' } })
    expect(config).toMatchObject({
      tag: 'flag',
      workers: 2,
      controlPlanes: 3,
      engine: 'Flux',
      timeout: 90_000,
      provider: 'Auto',
      alsoTags: [],
    })
    expect(origin).toMatchObject({
      tag: '--tag',
      workers: 'spec.cluster.workers in ksail.yaml',
      controlPlanes: 'KSAIL_CONTROL_PLANES',
      provider: 'default',
    })
  })

  it('are texts as they were written, also where they look like numbers', async () => {
    const { config } = await load(spec('  workload: {tag: 1.10, alsoTags: [2.0, 0x1f]}\n'))
    expect([config.tag, config.alsoTags]).toEqual(['1.10', ['2.0', '0x1f']])
  })

  it('blank ones count as not given', async () => {
    const { config } = await load(spec('  workload: {tag: file}\n'), { tag: ' ' }, { env: { KSAIL_TAG: '' } })
    expect(config.tag).toBe('file')
  })

  it('paths count from the file, those of flags and variables from the working directory', async () => {
    const { ctx, root } = setup(
      { '.git/HEAD': '', 'ksail.yaml': 'spec: {cluster: {connection: {kubeconfig: ./kc}, distributionConfig: ~/kind.yaml}}' },
      { cwd: 'sub', env: { KSAIL_SOURCE_DIRECTORY: 'mine' } },
    )
    const { target } = await loadProject({}, ctx)
    expect(target).toMatchObject({
      kubeconfig: join(root, 'kc'),
      distributionConfig: join(ctx.env['HOME']!, 'kind.yaml'),
      source: join(root, 'sub/mine'),
      repository: 'sub-mine',
    })
  })

  it('takes the first file of KUBECONFIG, else that of HOME', async () => {
    const { ctx } = setup()
    expect((await loadProject({}, { ...ctx, env: { ...ctx.env, KUBECONFIG: '/a/one:/a/two' } })).target.kubeconfig).toBe('/a/one')
    expect((await loadProject({}, ctx)).target.kubeconfig).toBe(join(ctx.env['HOME']!, '.kube/config'))
  })

  it.each([
    ['  clustr: {}\n', 'ksail.yaml:4:3: unknown key spec.clustr', 'did you mean cluster?'],
    ['  cluster:\n    gitopsEngin: Flux\n', 'ksail.yaml:5:5: unknown key spec.cluster.gitopsEngin', 'did you mean gitOpsEngine?'],
    [
      '  cluster:\n    sourceDirctory: x\n',
      'ksail.yaml:5:5: unknown key spec.cluster.sourceDirctory',
      'did you mean spec.workload.sourceDirectory?',
    ],
    ['  tag: x\n', 'ksail.yaml:4:3: unknown key spec.tag', 'did you mean spec.workload.tag?'],
    [
      '  cluster:\n    gitOpsEngine: Fluxx\n',
      'ksail.yaml:5:19: spec.cluster.gitOpsEngine must be one of None, Flux, not "Fluxx"',
      'did you mean Flux?',
    ],
    [
      '  cluster:\n    distribution: talos\n',
      'ksail.yaml:5:19: spec.cluster.distribution: Talos is not part of this version',
      'use one of Vanilla',
    ],
    ['  cluster:\n    workers: -1\n', 'ksail.yaml:5:14: spec.cluster.workers must be a whole number from 0, not "-1"', undefined],
    [
      '  cluster:\n    connection: {timeout: soon}\n',
      'ksail.yaml:5:27: spec.cluster.connection.timeout must be a duration from 1ms to 24h, not "soon"',
      'write it as 90s, 5m or 1h30m',
    ],
    [
      '  workload: [k8s]\n',
      'ksail.yaml:4:13: spec.workload must be a map',
      'known below it: tag, alsoTags, sourceDirectory, kustomizationFile, validateOnPush, allowPlaintextSecrets',
    ],
    ['  cluster:\n    gitOpsEngine: [Flux]\n', 'ksail.yaml:5:19: spec.cluster.gitOpsEngine must be one word', undefined],
    ['  workload: {tag: {a: b}}\n', 'ksail.yaml:4:19: spec.workload.tag must not be a map', undefined],
    [
      '  workload: {tag: "${NOPE}"}\n',
      'ksail.yaml:4:19: spec.workload.tag needs the environment variable NOPE, which is not set',
      'set NOPE, or give it a default as in ${NOPE:-value}',
    ],
    ['  a: 1\n  a: 2\n', 'ksail.yaml:5:3: map keys must be unique', 'correct the YAML'],
  ])('refuses %j', async (text, message, hint) =>
    expect(await failure(load(spec(text)))).toMatchObject({ code: 'config', exitCode: 2, message, hint }),
  )

  it('refuses what flags and variables get wrong by their names', async () => {
    expect(await failure(load({}, { provider: 'Dokcer' as 'Docker' }))).toMatchObject({
      code: 'usage',
      message: '--provider must be one of Auto, Docker, Host, not "Dokcer"',
      hint: 'did you mean Docker?',
    })
    expect(await failure(load({}, {}, { env: { KSAIL_GITOPS_ENGINE: 'ArgoCD' } }))).toMatchObject({
      exitCode: 2,
      message: 'KSAIL_GITOPS_ENGINE: ArgoCD is not part of this version',
    })
  })

  it('refuses another kind of document', async () => {
    expect(await failure(load({ 'ksail.yaml': 'apiVersion: ksail.io/v1\n' }))).toMatchObject({
      message: 'ksail.yaml:1:13: apiVersion must be ksail.io/v1alpha1, not "ksail.io/v1"',
    })
    expect(await failure(load({ 'ksail.yaml': '- a\n' }))).toMatchObject({ message: 'ksail.yaml:1:1: a configuration is a map of keys' })
  })

  it('warns of keys that only other versions know', async () => {
    const { ctx } = setup(spec('  cluster:\n    cni: Cilium\n    talos: {workers: 1}\n'))
    await loadProject({}, ctx)
    expect(ctx.texts()).toEqual([
      'ksail.yaml:5:5: spec.cluster.cni has no effect in this version',
      'ksail.yaml:6:5: spec.cluster.talos has no effect in this version',
    ])
  })

  it('loads the file of an existing project, and names what has no effect', async () => {
    const { ctx } = setup(
      spec(
        [
          '  editor: code --wait',
          '  cluster:',
          '    distribution: Vanilla',
          '    distributionConfig: kind.yaml',
          '    connection: {kubeconfig: ~/.kube/config, context: kind-dev, timeout: 5m}',
          '    cni: Cilium',
          '    csi: Default',
          '    metricsServer: Enabled',
          '    gitOpsEngine: Flux',
          '    localRegistry: {registry: localhost:5050/fleet, enabled: true}',
          '    sops: {enabled: true, ageKeyEnvVar: MY_KEY}',
          '  workload: {sourceDirectory: k8s, kustomizationFile: clusters/local, tag: latest, validateOnPush: true}',
          '',
        ].join('\n'),
      ),
    )
    const { target, config } = await loadProject({}, ctx)
    expect(target).toMatchObject({
      engine: 'Flux',
      path: './clusters/local',
      tag: 'latest',
      repository: 'fleet',
      registryPort: 5050,
      context: 'kind-dev',
    })
    expect(config).toMatchObject({ sopsEnabled: 'true', ageKeyEnvVar: 'MY_KEY', timeout: 300_000 })
    expect(ctx.texts().map((text) => /: (\S+) has no effect in this version$/.exec(text)?.[1])).toEqual([
      'spec.editor',
      'spec.cluster.cni',
      'spec.cluster.csi',
      'spec.cluster.metricsServer',
      'spec.cluster.localRegistry.enabled',
      'spec.cluster.sops.enabled',
      'spec.cluster.sops.ageKeyEnvVar',
    ])
  })

  it('does not allow the engine to start outside of the artifact', async () => {
    expect(await failure(load(spec('  workload: {kustomizationFile: ../x}\n')))).toMatchObject({ exitCode: 2, reason: 'path' })
    expect((await load(spec('  workload: {kustomizationFile: clusters/local}\n'))).target.path).toBe('./clusters/local')
  })
})

describe('the registry setting', () => {
  const ghcr = spec('  cluster: {localRegistry: {registry: "${U}:${T}@ghcr.io/org/app:v3"}}\n')

  it('is expanded when it is asked for, not before', async () => {
    const { target } = await load(ghcr)
    expect(target.context).toBe('kind-project')
    expect((await load(spec('  cluster: {provider: Host}\n'))).target.context).toBe('ksail-project')
    expect(() => target.registry).toThrow('spec.cluster.localRegistry.registry in ksail.yaml needs the environment variable U')
  })

  it('is the target of the cluster too, and its password is a secret', async () => {
    const { ctx } = setup(ghcr, { env: { U: 'octo', T: 's3cr3t' } })
    const { target } = await loadProject({}, ctx)
    expect(target).toMatchObject({
      repository: 'org/app',
      tag: 'v3',
      registryPort: undefined,
      registry: { host: 'ghcr.io', username: 'octo', password: 's3cr3t' },
    })
    expect([...ctx.secrets]).toEqual(['s3cr3t', Buffer.from('octo:s3cr3t').toString('base64')])
  })

  it('on this machine names the port of the local registry', async () => {
    expect((await load({}, { localRegistry: 'localhost:5123/team/app' })).target).toMatchObject({
      registryPort: 5123,
      registry: undefined,
      repository: 'team/app',
    })
  })

  it('keeps the address of an expanded value readable', async () => {
    const { ctx } = setup({}, { env: { KSAIL_LOCAL_REGISTRY: '${HOST_NAME}/o/r', HOST_NAME: 'ghcr.io' } })
    expect((await loadProject({}, ctx)).target.registry?.host).toBe('ghcr.io')
    expect([...ctx.secrets]).toEqual([])
  })

  it('with half a login is refused, without its password in the message', async () => {
    const { target } = await load({}, { localRegistry: 'octo@ghcr.io/o/r' })
    expect(() => target.registry).toThrow('--local-registry: the password for ghcr.io is missing')
    const other = await load({}, { localRegistry: 'octo:hunter22@ghcr.io:x/o/r' })
    expect(() => other.target.registry).toThrow('--local-registry: "octo:****@ghcr.io:x/o/r": "x" is not a port')
  })
})

it('takes the provider of the record, whatever is configured', async () => {
  const { ctx, root } = setup()
  const folder = join(ctx.env['XDG_STATE_HOME']!, 'ksail/clusters')
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    join(folder, 'dev.json'),
    JSON.stringify({
      id: 'x',
      name: 'dev',
      project: root,
      provider: 'Docker',
      distribution: 'Vanilla',
      created: '',
      kubeconfig: '',
      context: '',
    }),
  )
  const project = await loadProject({ name: 'dev' }, ctx)
  expect([project.config.provider, project.target.provider]).toEqual(['Auto', 'Docker'])
})
