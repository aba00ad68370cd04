import { afterAll, beforeAll, expect, it } from 'vitest'
import { parse } from 'yaml'
import { itBringsHelm } from '../bed/chart.ts'
import { fails, itBegins, loop } from '../bed/claims.ts'
import { SYNC } from '../bed/kube.ts'
import { configMap, deployment, manifestsOf } from '../bed/manifests.ts'
import { digestOf, output } from '../bed/programs.ts'
import { containersOf, describeOnKind, docker, kindProject, mustNotExist } from './bed.ts'

describeOnKind('the walkthrough', () => {
  const dev = kindProject('dev')
  const { get, data } = dev
  const { put, drop } = manifestsOf(dev)

  beforeAll(() => mustNotExist('dev'))
  afterAll(() => dev.remove())

  itBegins(dev)

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

  it('reconcile waits for the rollout of what it applied', async () => {
    put(
      'web.yaml',
      deployment('web', {
        image: 'nginx:stable-alpine',
        env: [{ name: 'CHANGED', value: `${Date.now()}` }],
        readinessProbe: { tcpSocket: { port: 80 }, initialDelaySeconds: 2, periodSeconds: 1 },
      }),
    )
    const result = await loop(dev)
    const { status, metadata } = await get('/apis/apps/v1/namespaces/default/deployments/web')
    expect(status).toMatchObject({ observedGeneration: metadata.generation, replicas: 1, updatedReplicas: 1, readyReplicas: 1 })
    expect(result.ms).toBeGreaterThan(1_500)
  })

  it('an image that does not exist ends the wait at once', async () => {
    put('app.yaml', deployment('app', { image: `localhost:${await dev.port()}/nobody:1` }))
    await fails(dev, /\bapp\b/, `localhost:${await dev.port()}/nobody:1`, /image|pull/i)
  })

  it('a crash-looping container ends the wait at once', async () => {
    put('app.yaml', deployment('app', { image: `localhost:${await dev.port()}/app:1`, args: ['serve', '/no-such-configuration'] }))
    await fails(dev, /\bapp\b/, /crash|exit/i)
  })

  it('a Pod that fits on no node ends the wait at once', async () => {
    put('app.yaml', deployment('app', { image: 'nginx:stable-alpine' }, { nodeSelector: { no: 'where' } }))
    await fails(dev, /\bapp\b/, /schedul/i)
  })

  it('a failure that was corrected is not held against the next push', async () => {
    drop('app.yaml')
    await loop(dev)
  })

  itBringsHelm(dev, { put })

  it('cluster stop and start bring the same cluster back, with its registry', async () => {
    await dev.ok('cluster', 'start')
    const before = await containersOf('dev')
    await dev.close()
    await dev.ok('cluster', 'stop')
    expect(await containersOf('dev')).toEqual(before.map((line) => line.replace('running', 'exited')))
    await dev.ok('cluster', 'start')
    expect(await containersOf('dev')).toEqual(before)
    put('settings.yaml', configMap('settings', { version: '5' }))
    await dev.ok('workload', 'push', '--reconcile')
    expect(await data('settings')).toEqual({ version: '5' })
  })
})
