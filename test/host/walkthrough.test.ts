import { mkdtempSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { output } from '../e2e/bed.ts'
import { configMap, describeOnHost, filesBelow, hostProject, processesOf } from './bed.ts'

const WEB = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: default}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: 'example.com/web:1'}]}
`

/** Addresses on which a process listens with TCP, as the kernel writes them. */
const listeningOf = (pid: number): readonly string[] => {
  const own = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? []),
  )
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((words) => words[3] === '0A' && own.has(words[9] ?? ''))
      .map((words) => words[1] as string),
  )
}

/** A failure must be told long before the timeout of five minutes. */
const SOON = 30_000

describeOnHost('the walkthrough without Docker', () => {
  const dev = hostProject('dev')
  const state = join(process.env['XDG_STATE_HOME'] as string, 'ksail')
  afterAll(() => dev.remove())

  it('makes a cluster of processes and says why', async () => {
    await dev.ok('cluster', 'init', '--name', 'dev', '--distribution', 'Vanilla', '--gitops-engine', 'Flux')
    const { stdout, stderr } = await dev.ok('cluster', 'create', '-o', 'json')
    expect(JSON.parse(stdout)).toMatchObject({
      name: 'dev',
      provider: 'Host',
      context: 'ksail-dev',
      digest: expect.stringMatching(/^sha256:/),
    })
    expect(stderr).toContain('provider Host, processes of this user on this machine, because docker')
    expect(await dev.kubectl('config', 'current-context')).toBe('ksail-dev')
    expect(Object.keys(processesOf('dev')).toSorted()).toEqual([
      'etcd',
      'kube-apiserver',
      'kube-controller-manager',
      'kustomize-controller',
      'registry',
      'source-controller',
    ])
  })

  it('takes a change live by push and reconcile, and says once that workloads do not run', async () => {
    dev.put({ 'a.yaml': configMap('a', 'one'), 'web.yaml': WEB })
    const { stdout } = await dev.ok('workload', 'push')
    expect(stdout).toMatch(/^oci:\/\/127\.0\.0\.1:\d+\/k8s:dev@sha256:[0-9a-f]{64}\n$/)
    const { stderr } = await dev.ok('workload', 'reconcile')
    expect(stderr.match(/workloads are applied, but not run/g)).toHaveLength(1)
    expect(await dev.value('a')).toBe('one')
    expect(await dev.kubectl('get', 'deployment', 'web', '-o', 'jsonpath={.metadata.name}')).toBe('web')
  })

  it('writes nothing when nothing has changed', async () => {
    expect(JSON.parse((await dev.ok('workload', 'push', '-o', 'json')).stdout)).toMatchObject({ changed: false })
    expect(JSON.parse((await dev.ok('up', '-o', 'json')).stdout)).toMatchObject({ already: true })
  })

  it('prunes what is gone', async () => {
    dev.put({ 'a.yaml': configMap('a', 'two') })
    await dev.ok('workload', 'push', '--reconcile')
    expect(await dev.value('a')).toBe('two')
    expect(await dev.kubectl('get', 'deployment', '-o', 'name')).toBe('')
  })

  it('tells a failed apply soon, with the object', async () => {
    dev.put({ 'a.yaml': configMap('a', 'three'), 'bad.yaml': configMap('bad', 'x').replace('namespace: default', 'namespace: nowhere') })
    await dev.ok('workload', 'push')
    const { code, stderr, ms } = await dev.ksail('workload', 'reconcile')
    expect({ code, soon: ms < SOON }, stderr).toEqual({ code: 1, soon: true })
    expect(stderr).toContain('nowhere')
  })

  it('refuses a plain Secret and a kustomization that does not build', async () => {
    dev.put({
      'a.yaml': configMap('a', 'four'),
      's.yaml': 'apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: default}\nstringData: {password: hunter2hunter2}\n',
    })
    expect(await dev.ksail('workload', 'push')).toMatchObject({ code: 3 })
    dev.write('k8s/kustomization.yaml', 'resources: [nowhere.yaml]\n')
    expect(await dev.ksail('workload', 'push')).toMatchObject({ code: 3 })
  })

  it.each<[string, () => void, string]>([
    [
      'a kustomization that does not build',
      () => {
        dev.put({ 'a.yaml': configMap('a', 'broken') })
        dev.write('k8s/kustomization.yaml', 'resources: [nowhere.yaml]\n')
      },
      'nowhere.yaml',
    ],
    [
      'an object without its CRD',
      () => dev.put({ 'w.yaml': 'apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: gear, namespace: default}\n' }),
      'Widget/default/gear',
    ],
    [
      'an object without a namespace',
      () => dev.put({ 'h.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: homeless}\n' }),
      'ConfigMap/homeless',
    ],
  ])('ends the wait soon for %s, and names it', async (_name, write, named) => {
    write()
    await dev.ok('workload', 'push', '--no-validate', '--allow-prune')
    const { code, stdout, stderr, ms } = await dev.ksail('workload', 'reconcile')
    expect({ code, stdout, soon: ms < SOON }, stderr).toEqual({ code: 1, stdout: '', soon: true })
    expect(stderr).toContain(named)
  })

  it('does not take a push of somebody else for ours', async () => {
    dev.put({ 'a.yaml': configMap('a', 'ours') })
    const pushed = (await dev.ok('workload', 'push', '--allow-prune')).stdout.trim()
    const [, repository = '', ours = ''] = /^oci:\/\/(.*)@(sha256:.*)$/.exec(pushed) ?? []
    const theirs = mkdtempSync(join(tmpdir(), 'theirs-'))
    writeFileSync(join(theirs, 'a.yaml'), configMap('a', 'theirs'))
    await output('flux', 'push', 'artifact', `oci://${repository}`, '--path', theirs, '--source', 'somebody', '--revision', 'else')
    const { code, stderr } = await dev.ksail('workload', 'reconcile')
    expect(code, stderr).toBe(4)
    expect(stderr).toContain(ours.slice(0, 'sha256:'.length + 7))
    await dev.ok('workload', 'reconcile', '--latest')
    expect(await dev.value('a')).toBe('theirs')
  })

  it('heals with the next push', async () => {
    dev.put({ 'a.yaml': configMap('a', 'five') })
    await dev.ok('workload', 'push', '--reconcile')
    expect(await dev.value('a')).toBe('five')
  })

  it('brings helm-controller with the first HelmRelease', async () => {
    const release =
      'apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: r, namespace: default}\nspec:\n  interval: 1m\n  suspend: true\n  chart: {spec: {chart: c, sourceRef: {kind: HelmRepository, name: r}}}\n'
    dev.put({ 'a.yaml': configMap('a', 'six'), 'r.yaml': release })
    await dev.ok('workload', 'push')
    expect(Object.keys(processesOf('dev'))).toContain('helm-controller')
    expect(JSON.parse((await dev.ok('cluster', 'info', '-o', 'json')).stdout)).toMatchObject({ status: 'running', down: [] })
  })

  it('keeps others out: the API asks for a token, etcd has no port, secrets are in no command line', async () => {
    const server = await dev.kubectl('config', 'view', '--minify', '-o', 'jsonpath={.clusters[0].cluster.server}')
    const anonymous = await dev.kubectl('--server', server, '--token', 'wrong', 'get', 'secrets', '-A').then(
      () => 'let in',
      (error: Error) => error.message,
    )
    expect(anonymous).toMatch(/Unauthorized|must be logged in/)
    const unit = join(state, 'host', 'dev', 'control-plane')
    for (const folder of [unit, join(unit, 'secret')]) expect(statSync(folder).mode & 0o777).toBe(0o700)
    for (const file of filesBelow(join(unit, 'secret')).filter((it) => !it.endsWith('.crt')))
      expect(statSync(file).mode & 0o077, file).toBe(0)
    const token = readFileSync(join(unit, 'secret', 'tokens.csv'), 'utf8').split(',')[0] as string
    for (const pid of Object.values(processesOf('dev'))) expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(token)).toBe(false)
    expect(listeningOf(processesOf('dev')['etcd'] as number)).toEqual([])
    for (const pid of Object.values(processesOf('dev'))) for (const address of listeningOf(pid)) expect(address).toMatch(/^0100007F:/)
    expect(listeningOf(processesOf('dev')['kube-apiserver'] as number)).toHaveLength(1)
  })

  it('leaves nothing behind', async () => {
    await dev.ok('down')
    expect(processesOf('dev')).toEqual({})
    expect(filesBelow(state)).toEqual([])
    expect(readFileSync(process.env['KUBECONFIG'] as string, 'utf8')).not.toContain('ksail-dev')
  })
})
