import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { itBegins } from '../bed/claims.ts'
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
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? []
      } catch {
        // it was closed meanwhile
        return []
      }
    }),
  )
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((words) => words[3] === '0A' && own.has(words[9] ?? ''))
      .map((words) => words[1] as string),
  )
}

describeOnHost('the walkthrough without Docker', () => {
  const dev = hostProject('dev')
  const state = join(process.env['XDG_STATE_HOME'] as string, 'ksail')
  afterAll(() => dev.remove())

  itBegins(dev)

  it('is made of processes', () => {
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
    expect({ code, soon: ms < dev.provider.soon }, stderr).toEqual({ code: 1, soon: true })
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

  it('heals with the next push', async () => {
    dev.put({ 'a.yaml': configMap('a', 'five') })
    await dev.ok('workload', 'push', '--reconcile')
    expect(await dev.value('a')).toBe('five')
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
