import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { tagged } from '../bed/claims.ts'
import { SYNC } from '../bed/kube.ts'
import { output, run } from '../bed/programs.ts'
import { containersOf, describeOnKind, docker, holdPort, inventory, kindProject, mustNotExist } from './bed.ts'

const NAME = 'e2e-own'
const REGISTRY = `${NAME}-local-registry`

describeOnKind('whose cluster it is', () => {
  const own = kindProject(NAME)
  const other = kindProject(NAME)
  const record = join(process.env['XDG_STATE_HOME'] as string, 'ksail/clusters', `${NAME}.json`)
  const image = process.env['KSAIL_REGISTRY_IMAGE'] ?? 'registry:3'

  const container = (name: string): Promise<string> =>
    docker('inspect', '--format', '{{.Id}} {{.State.StartedAt}} {{json .Config.Labels}} {{json .NetworkSettings.Networks}}', name)
  const volume = (): Promise<string> => docker('volume', 'inspect', '--format', '{{json .Labels}}', REGISTRY)
  const all = (): Promise<string[]> => containersOf(NAME)

  /** What must not change: containers and volumes of that name, and the one thing that belongs to somebody else. */
  const untouched = async (look: () => Promise<string>, ...words: readonly RegExp[]): Promise<void> => {
    const state = async () => ({ it: await look(), containers: await all(), volumes: (await inventory(NAME)).volumes })
    const before = await state()
    for (const command of [['cluster', 'create'], ['up']]) {
      const result = await own.ksail(...command)
      expect(result, result.stderr).toMatchObject({ code: 4, stdout: '' })
      for (const word of words) expect(result.stderr).toMatch(word)
      expect(result.stderr).toMatch(/--adopt/)
      expect(await state()).toEqual(before)
      expect(existsSync(record)).toBe(false)
    }
    const deleted = await own.ksail('cluster', 'delete', '--yes')
    expect([0, 4]).toContain(deleted.code)
    expect(await state()).toEqual(before)
  }

  beforeAll(async () => {
    await mustNotExist(NAME)
    await own.ok('cluster', 'init', '--name', NAME, '--distribution', 'Vanilla', '--gitops-engine', 'Flux')
  })
  afterAll(async () => {
    await run('docker', ['rm', '-f', '-v', REGISTRY])
    await run('docker', ['volume', 'rm', '-f', REGISTRY])
    await run('kind', ['delete', 'cluster', '--name', NAME])
    await own.remove()
  })

  it('a volume of that name is named and left alone', async () => {
    await docker('volume', 'create', '--label', 'belongs=to-somebody', REGISTRY)
    await untouched(volume, new RegExp(REGISTRY), /volume/)
  })

  it('a container of that name is named and left alone', async () => {
    await run('docker', ['rm', '-f', REGISTRY])
    // its port is Docker's choice, and another one after each start
    await docker('run', '-d', '--name', REGISTRY, '-p', '127.0.0.1::5000', '-v', `${REGISTRY}:/var/lib/registry`, image)
    await docker('exec', REGISTRY, '/bin/registry', '--version')
    await untouched(() => container(REGISTRY), new RegExp(REGISTRY), /container/)
  })

  it('kind makes a cluster directly from kind.yaml, and it is named and left alone', async () => {
    await run('kind', ['delete', 'cluster', '--name', NAME])
    const made = await run('kind', ['create', 'cluster', '--config', 'kind.yaml', '--wait', '2m'], { cwd: own.folder })
    expect(made, made.stderr).toMatchObject({ code: 0 })
    expect(await output('kind', 'get', 'nodes', '--name', NAME)).toBe(`${NAME}-control-plane`)
    await untouched(() => container(`${NAME}-control-plane`), new RegExp(NAME), /cluster|node/)
  })

  it('--adopt takes all three over: the cluster, its registry container and its volume', async () => {
    const id = await docker('inspect', '--format', '{{.Id}} {{.State.StartedAt}}', `${NAME}-control-plane`)
    const theirs = async (): Promise<string> => `localhost:${await own.port()}/theirs:1`
    await output('oras', 'push', '--plain-http', '--disable-path-validation', await theirs(), join(own.folder, 'kind.yaml'))
    const before = [await volume(), await output('oras', 'resolve', '--plain-http', await theirs())]
    await own.ok('cluster', 'create', '--adopt')
    expect(await docker('inspect', '--format', '{{.Id}} {{.State.StartedAt}}', `${NAME}-control-plane`)).toBe(id)
    expect([await volume(), await output('oras', 'resolve', '--plain-http', await theirs())]).toEqual(before)
    expect(existsSync(record)).toBe(true)
    expect((await own.get(SYNC)).status.lastAppliedRevision).toBe(`dev@${await tagged(own)}`)
    await own.close()
    // from here on it is this project's: no flag is needed any more
    await own.ok('cluster', 'create')
  })

  it('a port that Docker chooses anew is followed by everything: record, notice in the cluster, nodes, push', async () => {
    await own.ok('cluster', 'start')
    const before = await own.port()
    await own.ok('cluster', 'stop')
    // takes the port that it had
    const thief = await holdPort(before)
    try {
      const started = JSON.parse((await own.ok('cluster', 'start', '-o', 'json')).stdout) as { registry: string }
      const port = await own.port()
      expect(port).not.toBe(before)
      expect(started.registry).toBe(`localhost:${port}`)
      expect(JSON.parse(readFileSync(record, 'utf8'))).toMatchObject({ port })
      expect(await own.kubectl('get', 'configmap', 'local-registry-hosting', '-n', 'kube-public', '-o', 'yaml')).toContain(
        `host: localhost:${port}`,
      )
      const toml = `/etc/containerd/certs.d/localhost:${port}/hosts.toml`
      expect(await docker('exec', `${NAME}-control-plane`, 'cat', toml)).toContain(`http://${REGISTRY}:5000`)
      own.write('k8s/kustomization.yaml', 'resources: [a.yaml]\n')
      own.write('k8s/a.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a, namespace: default }\n')
      const pushed = JSON.parse((await own.ok('workload', 'push', '--reconcile', '-o', 'json')).stdout) as { repository: string }
      expect(pushed.repository).toBe(`localhost:${port}/k8s`)
      expect(JSON.parse((await own.ok('cluster', 'create', '-o', 'json')).stdout)).toMatchObject({
        already: true,
        registry: `localhost:${port}`,
      })
    } finally {
      thief?.close()
    }
  })

  it('another project of the same name is refused, naming the folder of the owner; --adopt moves the cluster', async () => {
    await own.ok('cluster', 'create', '--adopt')
    await other.ok('cluster', 'init', '--name', NAME, '--distribution', 'Vanilla', '--gitops-engine', 'Flux')
    const before = await all()
    for (const command of [['cluster', 'create'], ['up'], ['down'], ['cluster', 'delete', '--yes'], ['cluster', 'stop']]) {
      const result = await other.ksail(...command)
      expect(result, `${command.join(' ')}: ${result.stderr}`).toMatchObject({ code: 4, stdout: '' })
      expect(result.stderr).toContain(own.folder)
      expect(await all()).toEqual(before)
    }
    await other.ok('cluster', 'create', '--adopt')
    expect(await all()).toEqual(before)
    const result = await own.ksail('cluster', 'delete', '--yes')
    expect(result, result.stderr).toMatchObject({ code: 4 })
    expect(result.stderr).toContain(other.folder)
  })

  it('cluster delete removes what was adopted', async () => {
    await other.ok('cluster', 'delete', '--yes')
    expect(await docker('ps', '-a', '--filter', `name=${NAME}`, '--format', '{{.Names}}')).toBe('')
    expect(await docker('volume', 'ls', '-q', '--filter', `name=${REGISTRY}`)).toBe('')
    expect(existsSync(record)).toBe(false)
  })
})
