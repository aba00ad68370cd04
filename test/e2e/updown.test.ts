import { writeFileSync } from 'node:fs'
import type { Server } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { itGoesTwice, itStaysAsItIs, tagged, times } from '../bed/claims.ts'
import { SOURCE, SYNC } from '../bed/kube.ts'
import { linesOf, output } from '../bed/programs.ts'
import { describeOnKind, docker, holdPort, inventory, kindProject, mustNotExist, processesLeft } from './bed.ts'

const FOREIGN = `apiVersion: v1
kind: Config
clusters: [{name: elsewhere, cluster: {server: 'https://127.0.0.1:1'}}]
users: [{name: elsewhere, user: {token: unused}}]
contexts: [{name: elsewhere, context: {cluster: elsewhere, user: elsewhere}}]
current-context: elsewhere
`

const kubeconfig = async (): Promise<{ contexts: string[]; clusters: string[]; users: string[] }> => {
  const config = JSON.parse(await output('kubectl', 'config', 'view', '-o', 'json'))
  const names = (list: { name: string }[] | null): string[] => (list ?? []).map(({ name }) => name).toSorted()
  return { contexts: names(config.contexts), clusters: names(config.clusters), users: names(config.users) }
}

/** What a machine is left with: names only, since other programs may use the same engine meanwhile. */
const machine = async () => ({
  one: await inventory('e2e-one'),
  two: await inventory('e2e-two'),
  networks: linesOf(await docker('network', 'ls', '--format', '{{.Name}}')),
  kubeconfig: await kubeconfig(),
})

/** Volumes of a cluster's containers, those without a name included. */
const volumesOf = async (name: string): Promise<string[]> => {
  const mounts = await docker(
    'inspect',
    '--format',
    '{{range .Mounts}}{{.Name}}{{println}}{{end}}',
    `${name}-control-plane`,
    `${name}-local-registry`,
  )
  return linesOf(mounts)
}

describeOnKind('up and down', () => {
  const one = kindProject('e2e-one')
  const two = kindProject('e2e-two')
  let taken: Server | undefined
  let before: Awaited<ReturnType<typeof machine>>

  beforeAll(async () => {
    await mustNotExist(one.name)
    await mustNotExist(two.name)
    writeFileSync(process.env['KUBECONFIG'] as string, FOREIGN)
    before = await machine()
    taken = await holdPort(5050)
  })
  afterAll(async () => {
    taken?.close()
    // in this order also when the first fails: the second must not stay because of it
    const results = await Promise.allSettled([one.remove(), two.remove()])
    for (const result of results) if (result.status === 'rejected') throw result.reason
  })

  it('two projects come up from empty folders at the same time, each with its own registry and port; one that is taken is passed over and named', async () => {
    for (const project of [one, two]) {
      await project.close()
      await project.ok('down')
    }
    const results = await Promise.all([one.ok('up'), two.ok('up')])
    console.log(`two at once: up ${results.map(({ ms }) => `${(ms / 1000).toFixed(1)} s`).join(' and ')}`)
    const ports = await Promise.all([one.port(), two.port()])
    expect(new Set([5050, ...ports]).size).toBe(3)
    for (const [index, { stderr }] of results.entries()) {
      expect(stderr).toMatch(/5050/)
      expect(stderr).toContain(String(ports[index]))
    }
    for (const own of [one, two]) {
      expect((await own.get(SOURCE)).spec.url).toBe(`oci://${own.name}-local-registry:5000/k8s`)
      expect((await own.get(SYNC)).status.lastAppliedRevision).toBe(`dev@${await tagged(own)}`)
    }
  })

  itStaysAsItIs(one)

  it('down removes what up made, and a project beside it is untouched', async () => {
    const beside = async () => ({
      containers: await docker(
        'inspect',
        '--format',
        '{{.Id}} {{.State.StartedAt}} {{json .NetworkSettings.Networks}}',
        'e2e-two-control-plane',
        'e2e-two-local-registry',
      ),
      volumes: (await inventory(two.name)).volumes,
      files: times(two.folder),
    })
    await one.ok('up')
    const earlier = await beside()
    const files = Object.keys(times(one.folder)).filter((path) => !path.includes('/.ksail/'))
    const volumes = await volumesOf(one.name)
    await one.close()
    await one.ok('down')
    expect(linesOf(await docker('volume', 'ls', '-q')).filter((it) => volumes.includes(it))).toEqual([])
    expect(await inventory(one.name)).toEqual({ containers: [], volumes: [] })
    expect(await processesLeft(one.name)).toEqual([])
    expect(await beside()).toEqual(earlier)
    expect(await docker('network', 'inspect', 'kind', '--format', '{{range .Containers}}{{.Name}} {{end}}')).not.toContain('e2e-one')
    expect((await kubeconfig()).contexts).toEqual(['elsewhere', 'kind-e2e-two'])
    expect(
      Object.keys(times(one.folder)).filter((path) => !path.includes('/.ksail/')),
      'files of the project stay',
    ).toEqual(files)
    await two.kubectl('get', 'nodes')
    await two.ok('workload', 'push', '--reconcile')
  })

  itGoesTwice(one)

  it('after the last down the machine is as it was', async () => {
    await two.ok('up')
    const volumes = await volumesOf(two.name)
    expect(volumes.length).toBeGreaterThan(1)
    await two.close()
    await two.ok('down')
    expect(await machine()).toEqual(before)
    expect(linesOf(await docker('volume', 'ls', '-q')).filter((it) => volumes.includes(it))).toEqual([])
  })
})
