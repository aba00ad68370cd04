import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { hasTools } from '../needs.ts'
import {
  api,
  containersOf,
  describeOnClusters,
  digestOf,
  docker,
  KSAIL,
  mustNotExist,
  output,
  project,
  run,
  SOURCE,
  SYNC,
  type KubeObject,
  type Run,
} from './bed.ts'

/** What the tests of this file put into k8s/, by file name; the root kustomization names exactly these. */
const manifests = new Map<string, string>()

const configMap = (name: string, data: Record<string, string>): string =>
  stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data })

const deployment = (name: string, container: object, replicas = 1): string =>
  stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { terminationGracePeriodSeconds: 0, containers: [{ name, ...container }] } },
    },
  })

/** A failure must be told long before the timeout of five minutes. */
const SOON = 60_000

describeOnClusters('the walkthrough', () => {
  const dev = project('dev')
  let cluster: Awaited<ReturnType<typeof api>> | undefined
  const get = (path: string): Promise<KubeObject> => (cluster as NonNullable<typeof cluster>).get(path)
  const data = async (name: string): Promise<KubeObject['data']> => (await get(`/api/v1/namespaces/default/configmaps/${name}`)).data

  const sync = (): void => {
    for (const [file, text] of manifests) dev.write(`k8s/${file}`, text)
    dev.write(
      'k8s/kustomization.yaml',
      stringify({ apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization', resources: [...manifests.keys()] }),
    )
  }
  const put = (file: string, text: string): void => {
    manifests.set(file, text)
    sync()
  }
  const drop = (file: string): void => {
    manifests.delete(file)
    rmSync(join(dev.folder, 'k8s', file), { force: true })
    sync()
  }

  /** Pushes what is in k8s/ and reconciles; both must succeed. */
  const loop = async (): Promise<Run> => {
    await dev.ok('workload', 'push')
    return dev.ok('workload', 'reconcile')
  }

  /** A push that is accepted and a reconcile that must fail soon, naming all of these. */
  const fails = async (...words: readonly (string | RegExp)[]): Promise<void> => {
    const pushed = await dev.ok('workload', 'push', '--no-validate')
    const result = await dev.ksail('workload', 'reconcile', '--timeout', '5m')
    expect(result, result.stderr).toMatchObject({ code: 1, stdout: '' })
    expect(result.ms).toBeLessThan(SOON)
    console.log(`failed after ${(result.ms / 1000).toFixed(1)} s:\n${result.stderr}`)
    for (const word of [...words, digestOf(pushed.stdout).slice(0, 'sha256:'.length + 7)]) expect(result.stderr).toMatch(word)
    const report = result.stderr.slice(result.stderr.indexOf('✗'))
    expect(report.trim().split('\n').length, report).toBeLessThanOrEqual(15)
  }

  beforeAll(() => mustNotExist('dev'))
  afterAll(async () => {
    cluster?.close()
    await dev.remove()
  })

  it('cluster init writes the project and says so for each file', async () => {
    const result = await dev.ok('cluster', 'init', '--name', 'dev', '--distribution', 'Vanilla', '--gitops-engine', 'Flux')
    for (const file of [
      'ksail.yaml',
      'kind.yaml',
      'k8s/kustomization.yaml',
      'flux/oci-repository.yaml',
      'flux/kustomization.yaml',
      '.gitignore',
    ]) {
      expect(existsSync(join(dev.folder, file)), file).toBe(true)
      expect(result.stderr + result.stdout).toContain(`created ${file}`)
    }
    expect(existsSync(join(dev.folder, 'k8s/apps/podinfo'))).toBe(true)
    expect(dev.read('ksail.yaml').split('\n')[0]).toMatch(/^# yaml-language-server: \$schema=/)
    expect(dev.read('kind.yaml')).not.toContain(dev.folder)
    await output('kubectl', 'kustomize', join(dev.folder, 'k8s'))

    const again = await dev.ok('cluster', 'init', '--name', 'dev', '--distribution', 'Vanilla', '--gitops-engine', 'Flux')
    expect(again.stderr + again.stdout).toContain('kept ksail.yaml')
  })

  it('without Docker nothing is made and nothing is written', async () => {
    const blind = project('dev', { folder: dev.folder, env: { DOCKER_HOST: 'unix:///nowhere/docker.sock' } })
    const result = await blind.ksail('cluster', 'create', '--provider', 'Docker')
    expect(result, result.stderr).toMatchObject({ code: 6, stdout: '' })
    expect(result.stderr).toMatch(/docker does not answer/)
    expect(result.stderr).toMatch(/DOCKER_HOST/)
    expect(existsSync(join(process.env['XDG_STATE_HOME'] as string, 'ksail/clusters/dev.json'))).toBe(false)
    expect(existsSync(join(dev.folder, '.ksail'))).toBe(false)
  })

  it('cluster create ends when the first artifact is live', async () => {
    const result = await dev.ok('cluster', 'create')
    console.log(`cluster create: ${(result.ms / 1000).toFixed(1)} s`)
    expect(await output('kubectl', 'config', 'current-context')).toBe('kind-dev')
    cluster = await api(dev)
    const digest = await output('oras', 'resolve', '--plain-http', `localhost:${await dev.port()}/k8s:dev`)
    expect((await get(SOURCE)).status.artifact?.revision).toBe(`dev@${digest}`)
    expect((await get(SYNC)).status.lastAppliedRevision).toBe(`dev@${digest}`)
  })

  it('cluster create again changes nothing and says that it is there', async () => {
    const before = {
      containers: await containersOf('dev'),
      writes: await dev.registryWrites(),
      sync: (await get(SYNC)).metadata.resourceVersion,
    }
    const result = await dev.ok('cluster', 'create', '-o', 'json')
    expect(JSON.parse(result.stdout)).toMatchObject({ name: 'dev', already: true })
    expect({
      containers: await containersOf('dev'),
      writes: await dev.registryWrites(),
      sync: (await get(SYNC)).metadata.resourceVersion,
    }).toEqual(before)
  })

  it('a Deployment added to k8s/ runs when reconcile returns', async () => {
    put(
      'web.yaml',
      await output(
        'kubectl',
        'create',
        'deployment',
        'web',
        '--image',
        'nginx:stable-alpine',
        '-n',
        'default',
        '--dry-run=client',
        '-o',
        'yaml',
      ),
    )
    const pushed = await dev.ok('workload', 'push')
    expect(pushed.stdout).toMatch(/^oci:\/\/localhost:\d+\/k8s:dev@sha256:[0-9a-f]{64}\n$/)
    await dev.ok('workload', 'reconcile')
    const pods = await get('/api/v1/namespaces/default/pods?labelSelector=app%3Dweb')
    expect(pods.items.map(({ status }) => [status.phase, status.containerStatuses?.[0]?.ready])).toEqual([['Running', true]])
    expect((await get(SYNC)).status.lastAppliedRevision).toBe(`dev@${digestOf(pushed.stdout)}`)
  })

  it("Flux's own client reads what we made without complaint", async () => {
    const flux = (...args: readonly string[]): Promise<Run> =>
      run('flux', ['--kubeconfig', process.env['KUBECONFIG'] as string, '--context', 'kind-dev', ...args])
    const tree = await flux('tree', 'kustomization', 'flux-system')
    expect(tree, tree.stderr).toMatchObject({ code: 0, stderr: '' })
    expect(tree.stdout).toContain('Deployment/default/web')
    const all = await flux('get', 'all', '-A')
    expect(all.code, all.stderr).toBe(0)
    expect(all.stdout + all.stderr).not.toContain('✗')
    for (const kind of ['ocirepository', 'kustomization'])
      expect(all.stdout).toMatch(new RegExp(`${kind}/flux-system\\s+dev@sha256:\\S+\\s+False\\s+True\\s`))
    const folder = mkdtempSync(join(tmpdir(), 'pulled-'))
    const pulled = await run('flux', ['pull', 'artifact', `oci://localhost:${await dev.port()}/k8s:dev`, '--output', folder])
    expect(pulled, pulled.stderr).toMatchObject({ code: 0 })
    expect(pulled.stdout + pulled.stderr).not.toContain('✗')
    expect(readFileSync(join(folder, 'web.yaml'), 'utf8')).toBe(dev.read('k8s/web.yaml'))
    expect(readFileSync(join(folder, 'kustomization.yaml'), 'utf8')).toBe(dev.read('k8s/kustomization.yaml'))
  })

  it('the cluster announces its registry as KEP-1755 says', async () => {
    const notice = await dev.json('get', 'configmap', '-n', 'kube-public', 'local-registry-hosting')
    expect(Object.keys(notice.data ?? {})).toEqual(['localRegistryHosting.v1'])
    const hosting = parse(notice.data?.['localRegistryHosting.v1'] ?? '')
    expect(hosting).toMatchObject({
      host: `localhost:${await dev.port()}`,
      hostFromContainerRuntime: 'dev-local-registry:5000',
      hostFromClusterNetwork: 'dev-local-registry:5000',
    })
    expect(new URL(hosting.help).protocol).toBe('https:')
    expect((await fetch(`http://${hosting.host}/v2/`)).status).toBe(200)
  })

  it('an image pushed to localhost:PORT runs in a Pod, and push --reconcile is the whole loop', async () => {
    const image = `localhost:${await dev.port()}/app:1`
    await docker('tag', await docker('inspect', '--format', '{{.Config.Image}}', 'dev-local-registry'), image)
    try {
      await docker('push', '-q', image)
    } finally {
      await docker('rmi', image)
    }
    put('app.yaml', deployment('app', { image, env: [{ name: 'OTEL_TRACES_EXPORTER', value: 'none' }] }))
    const result = await dev.ok('workload', 'push', '--reconcile')
    const pods = await get('/api/v1/namespaces/default/pods?labelSelector=app%3Dapp')
    expect(pods.items.map(({ status }) => status.phase)).toEqual(['Running'])
    expect((await get(SYNC)).status.lastAppliedRevision).toBe(`dev@${digestOf(result.stdout)}`)
  })

  it('an unchanged push writes nothing and starts no reconcile', async () => {
    put('settings.yaml', configMap('settings', { version: '1' }))
    const idle = await dev.registryWrites()
    const first = await dev.ok('workload', 'push')
    const afterFirst = await dev.registryWrites()
    expect(afterFirst, 'the registry logs what is written').toBeGreaterThan(idle)
    await dev.ok('workload', 'reconcile')
    const before = { source: (await get(SOURCE)).metadata.resourceVersion, sync: (await get(SYNC)).metadata.resourceVersion }
    const second = await dev.ok('workload', 'push')
    expect(second.stdout).toBe(first.stdout)
    expect(second.stderr).toMatch(/unchanged/)
    await dev.ok('workload', 'push', '--reconcile')
    expect(await dev.registryWrites()).toBe(afterFirst)
    expect({ source: (await get(SOURCE)).metadata.resourceVersion, sync: (await get(SYNC)).metadata.resourceVersion }).toEqual(before)
  })

  it('a copy of the folder under another path, umask and time zone has the same digest', async () => {
    const first = await dev.ok('workload', 'push')
    const copy = join(realpathSync(mkdtempSync(join(tmpdir(), 'elsewhere-'))), 'a folder')
    const copied = await run('sh', [
      '-c',
      'umask 077 && mkdir "$1" && cd "$0" && find . -path ./.ksail -prune -o -type f -print | while read -r f; do mkdir -p "$1/$(dirname "$f")" && cat "$f" > "$1/$f"; done',
      dev.folder,
      copy,
    ])
    expect(copied, copied.stderr).toMatchObject({ code: 0 })
    const result = await run('sh', ['-c', 'umask 077 && exec "$0" "$@"', process.execPath, KSAIL, 'workload', 'push'], {
      cwd: copy,
      env: { TZ: 'Asia/Kathmandu', USER: 'somebody' },
    })
    expect(result, result.stderr).toMatchObject({ code: 0, stdout: first.stdout })
    expect(result.stderr).toMatch(/unchanged/)
  })

  it('a changed ConfigMap is live when reconcile returns, and not before', async () => {
    put('settings.yaml', configMap('settings', { version: '2' }))
    await dev.ok('workload', 'push')
    expect(await data('settings')).toEqual({ version: '1' })
    const reconcile = dev.start('workload', 'reconcile')
    const seen = { 1: 0, 2: 0 }
    do seen[(await data('settings'))?.['version'] === '2' ? 2 : 1]++
    while (reconcile.child.exitCode === null)
    expect(await data('settings')).toEqual({ version: '2' })
    expect(await reconcile.done).toMatchObject({ code: 0 })
    expect(seen[1], 'the old value was seen while reconcile ran').toBeGreaterThan(0)
    expect(seen[2], 'reconcile returned after the change, not before').toBeGreaterThan(0)
  })

  it('reconcile waits for the rollout of what it applied', async () => {
    put(
      'web.yaml',
      deployment('web', {
        image: 'nginx:stable-alpine',
        env: [{ name: 'CHANGED', value: 'yes' }],
        readinessProbe: { tcpSocket: { port: 80 }, initialDelaySeconds: 2, periodSeconds: 1 },
      }),
    )
    const result = await loop()
    const { status, metadata } = await get('/apis/apps/v1/namespaces/default/deployments/web')
    expect(status).toMatchObject({ observedGeneration: metadata.generation, replicas: 1, updatedReplicas: 1, readyReplicas: 1 })
    expect(result.ms).toBeGreaterThan(1_500)
  })

  it('a kustomization that does not build is refused by push, and reported by reconcile', async () => {
    const good = dev.read('k8s/kustomization.yaml')
    dev.write('k8s/kustomization.yaml', `${good}  - not-there.yaml\n`)
    const refused = await dev.ksail('workload', 'push')
    expect(refused, refused.stderr).toMatchObject({ code: 3, stdout: '' })
    expect(refused.stderr).toMatch(/kustomization\.yaml/)
    expect(refused.stderr).toMatch(/not-there\.yaml/)
    await fails('not-there.yaml', /kustomization.*flux-system|flux-system.*kustomization/i, /build/i)
    sync()
    await loop()
  })

  it('an image that does not exist ends the wait at once', async () => {
    put('app.yaml', deployment('app', { image: `localhost:${await dev.port()}/nobody:1` }))
    await fails(/\bapp\b/, `localhost:${await dev.port()}/nobody:1`, /image|pull/i)
  })

  it('a crash-looping container ends the wait at once', async () => {
    put('app.yaml', deployment('app', { image: `localhost:${await dev.port()}/app:1`, args: ['serve', '/no-such-configuration'] }))
    await fails(/\bapp\b/, /crash|exit/i)
  })

  it('an object without its CRD ends the wait at once', async () => {
    drop('app.yaml')
    put(
      'widget.yaml',
      stringify({ apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'gear', namespace: 'default' }, spec: {} }),
    )
    await fails('Widget', /gear/, /no matches for kind|CustomResourceDefinition|CRD/)
  })

  it('an object without a namespace, which Flux does not take, ends the wait at once', async () => {
    drop('widget.yaml')
    put('homeless.yaml', configMap('homeless', {}).replace(/^ +namespace: .*\n/m, ''))
    await fails(/ConfigMap\S*homeless/, /namespace/)
  })

  it('a failure that was corrected is not held against the next push', async () => {
    drop('homeless.yaml')
    await loop()
  })

  it('a push made by somebody else meanwhile is not taken for ours', async () => {
    put('settings.yaml', configMap('settings', { version: '3' }))
    const ours = digestOf((await dev.ok('workload', 'push')).stdout)
    const theirs = join(mkdtempSync(join(tmpdir(), 'theirs-')), 'k8s')
    cpSync(join(dev.folder, 'k8s'), theirs, { recursive: true })
    writeFileSync(join(theirs, 'settings.yaml'), configMap('settings', { version: 'theirs' }))
    const repository = `localhost:${await dev.port()}/k8s:dev`
    await output('flux', 'push', 'artifact', `oci://${repository}`, '--path', theirs, '--source', 'somebody', '--revision', 'else')
    const digest = await output('oras', 'resolve', '--plain-http', repository)
    expect(digest).not.toBe(ours)

    const result = await dev.ksail('workload', 'reconcile')
    expect(result, result.stderr).toMatchObject({ code: 4, stdout: '' })
    expect(result.ms).toBeLessThan(SOON)
    for (const each of [ours, digest]) expect(result.stderr).toContain(each.slice(0, 'sha256:'.length + 7))

    await dev.ok('workload', 'reconcile', '--latest')
    expect(await data('settings')).toEqual({ version: 'theirs' })
    await loop()
    expect(await data('settings')).toEqual({ version: '3' })
  })

  it.skipIf(!hasTools('helm'))('a HelmRelease of a chart in the local registry brings helm-controller along', async () => {
    const chart = mkdtempSync(join(tmpdir(), 'chart-'))
    mkdirSync(join(chart, 'greeting/templates'), { recursive: true })
    writeFileSync(join(chart, 'greeting/Chart.yaml'), stringify({ apiVersion: 'v2', name: 'greeting', version: '0.1.0' }))
    writeFileSync(join(chart, 'greeting/values.yaml'), 'text: none\n')
    writeFileSync(
      join(chart, 'greeting/templates/config.yaml'),
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  text: {{ .Values.text | quote }}\n',
    )
    await output('helm', 'package', join(chart, 'greeting'), '-d', chart)
    await output('helm', 'push', join(chart, 'greeting-0.1.0.tgz'), `oci://localhost:${await dev.port()}/charts`, '--plain-http')
    put(
      'greeting.yaml',
      [
        stringify({
          apiVersion: 'source.toolkit.fluxcd.io/v1',
          kind: 'OCIRepository',
          metadata: { name: 'greeting', namespace: 'default' },
          spec: {
            interval: '10m',
            insecure: true,
            url: 'oci://dev-local-registry:5000/charts/greeting',
            ref: { tag: '0.1.0' },
            layerSelector: { mediaType: 'application/vnd.cncf.helm.chart.content.v1.tar+gzip', operation: 'copy' },
          },
        }),
        stringify({
          apiVersion: 'helm.toolkit.fluxcd.io/v2',
          kind: 'HelmRelease',
          metadata: { name: 'greeting', namespace: 'default' },
          spec: { interval: '10m', chartRef: { kind: 'OCIRepository', name: 'greeting' }, values: { text: 'hello' } },
        }),
      ].join('---\n'),
    )
    const pushed = await dev.ok('workload', 'push')
    expect(pushed.stderr).toMatch(/helm-controller/)
    await dev.ok('workload', 'reconcile')
    expect(await data('greeting')).toEqual({ text: 'hello' })
    const release = await get('/apis/helm.toolkit.fluxcd.io/v2/namespaces/default/helmreleases/greeting')
    expect(release.status.conditions?.find((it) => it.type === 'Ready')).toMatchObject({
      status: 'True',
      observedGeneration: release.metadata.generation,
    })

    manifests.set('greeting.yaml', (manifests.get('greeting.yaml') as string).replace('hello', 'good morning'))
    sync()
    await loop()
    expect(await data('greeting')).toEqual({ text: 'good morning' })
  })

  it('writes results to stdout only, progress to stderr, and JSON that parses', async () => {
    put('settings.yaml', configMap('settings', { version: '4' }))
    const pushed = await dev.ok('workload', 'push', '-o', 'json')
    const result = JSON.parse(pushed.stdout)
    expect(result).toEqual({
      reference: `oci://localhost:${await dev.port()}/k8s:dev@${result.digest}`,
      repository: `localhost:${await dev.port()}/k8s`,
      tag: 'dev',
      digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      size: expect.any(Number),
      files: expect.any(Number),
      changed: true,
      registryFrom: expect.any(String),
      tagFrom: expect.any(String),
      ms: expect.any(Number),
    })
    expect(pushed.stderr).not.toBe('')
    const reconciled = await dev.ok('workload', 'reconcile', '-o', 'json')
    expect(JSON.stringify(JSON.parse(reconciled.stdout))).toContain(result.digest)
    expect(JSON.parse((await dev.ok('cluster', 'list', '-o', 'json')).stdout)).toEqual([expect.objectContaining({ name: 'dev' })])
    expect(JSON.parse((await dev.ok('cluster', 'info', '-o', 'json')).stdout)).toMatchObject({ name: 'dev' })
    const quiet = await dev.ok('workload', 'push', '-q')
    expect(quiet).toMatchObject({ stderr: '', stdout: `${result.reference}\n` })
  })

  it('is quiet when the pipe it writes to is closed', async () => {
    for (const words of ['workload push', 'cluster info -o json', '--help']) {
      const result = await run('bash', ['-c', `"$0" "$1" ${words} | true; echo "\${PIPESTATUS[0]}"`, process.execPath, KSAIL], {
        cwd: dev.folder,
      })
      expect(result.stderr, words).not.toMatch(/EPIPE|at .*\.js:\d+|✗/)
      expect(result.stdout, words).toBe('0\n')
    }
  })

  it('cluster stop and start bring the same cluster back, with its registry', async () => {
    const before = await containersOf('dev')
    cluster?.close()
    await dev.ok('cluster', 'stop')
    expect(await containersOf('dev')).toEqual(before.map((line) => line.replace('running', 'exited')))
    await dev.ok('cluster', 'start')
    expect(await containersOf('dev')).toEqual(before)
    cluster = await api(dev)
    put('settings.yaml', configMap('settings', { version: '5' }))
    await dev.ok('workload', 'push', '--reconcile')
    expect(await data('settings')).toEqual({ version: '5' })
  })
})
