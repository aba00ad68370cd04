import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { createContext } from '../../lib/context.ts'
import { ensureComponent } from '../../lib/providers/host/ensure.ts'
import { endComponents } from '../../lib/providers/host/process.ts'
import { ensureUnit, inUnit, removeUnit, unitOf } from '../../lib/providers/host/unit.ts'
import { writeText } from '../../lib/io/files.ts'
import { itGoesTwice, itStaysAsItIs, tagged } from '../bed/claims.ts'
import { SOURCE, SYNC } from '../bed/kube.ts'
import { configMap, describeOnHost, hostProject, processesOf } from './bed.ts'

const listen = (port: number): Promise<Server> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve(server))
  })

describeOnHost('clusters side by side', () => {
  const [one, two] = [hostProject('one'), hostProject('two')]
  afterAll(async () => {
    const results = await Promise.allSettled([one.remove(), two.remove()])
    for (const result of results) if (result.status === 'rejected') throw result.reason
  })

  it('come up from empty folders at the same time, each with its own ports, and changes go to the right one', async () => {
    await Promise.all([one.ok('up'), two.ok('up')])
    const ports = await Promise.all([one.port(), two.port()])
    expect(new Set(ports).size).toBe(2)
    for (const own of [one, two]) {
      expect((await own.get(SOURCE)).spec.url).toBe(`oci://127.0.0.1:${await own.port()}/k8s`)
      expect((await own.get(SYNC)).status.lastAppliedRevision).toBe(`dev@${await tagged(own)}`)
    }
    for (const project of [one, two]) project.put({ 'a.yaml': configMap('a', project.name) })
    await Promise.all([one.ok('workload', 'push', '--reconcile'), two.ok('workload', 'push', '--reconcile')])
    expect(await Promise.all([one.value('a'), two.value('a')])).toEqual(['one', 'two'])
  })

  it('what one project pushes never reaches the other', async () => {
    one.put({ 'a.yaml': configMap('a', 'one'), 'only-one.yaml': configMap('only-one', {}) })
    const writes = await two.registryWrites()
    await one.ok('workload', 'push')
    await Promise.all([one.ok('workload', 'reconcile'), two.ok('workload', 'reconcile')])
    await one.kubectl('get', 'configmap', 'only-one')
    await expect(two.kubectl('get', 'configmap', 'only-one')).rejects.toThrow(/NotFound/)
    expect(await two.registryWrites()).toEqual(writes)
  })

  it('a kubeconfig whose context leads to the other one changes nothing there; create writes it again', async () => {
    const kubeconfig = process.env['KUBECONFIG'] as string
    const right = readFileSync(kubeconfig, 'utf8')
    const config = parse(right) as Readonly<Record<'contexts', { name: string; context: object }[]>>
    const context = config.contexts.find(({ name }) => name === 'ksail-two')?.context as object
    const wrong = config.contexts.map((it) => (it.name === 'ksail-one' ? { ...it, context } : it))
    const before = [(await two.get(SOURCE)).metadata.resourceVersion, (await two.get(SYNC)).metadata.resourceVersion]
    one.put({ 'a.yaml': configMap('a', 'mine') })
    writeFileSync(kubeconfig, stringify({ ...config, contexts: wrong }))
    try {
      for (const words of [['reconcile'], ['push', '--reconcile']]) {
        const { code, stderr } = await one.ksail('workload', ...words)
        expect(code, stderr).toBe(4)
        expect(stderr).toContain(two.folder)
      }
      expect([(await two.get(SOURCE)).metadata.resourceVersion, (await two.get(SYNC)).metadata.resourceVersion]).toEqual(before)
      await one.ok('cluster', 'create')
      await one.ok('workload', 'push', '--reconcile')
      expect(await Promise.all([one.value('a'), two.value('a')])).toEqual(['mine', 'two'])
    } finally {
      writeFileSync(kubeconfig, right)
    }
  })

  itStaysAsItIs(one)

  it('one goes, the other stays whole', async () => {
    const before = processesOf('two')
    await one.ok('down')
    expect(processesOf('one')).toEqual({})
    expect(processesOf('two')).toEqual(before)
    two.put({ 'a.yaml': configMap('a', 'still') })
    await two.ok('workload', 'push', '--reconcile')
    expect(await two.value('a')).toBe('still')
  })

  itGoesTwice(one)

  it('a name that another project has is refused', async () => {
    const thief = hostProject('two')
    expect(await thief.ksail('up')).toMatchObject({ code: 4, stderr: expect.stringContaining(two.folder) })
    expect(readdirSync(thief.folder)).toEqual([])
    expect(await two.value('a')).toBe('still')
  })
})

describeOnHost('a provider that the user names', () => {
  it('without Docker nothing is made and nothing is written', async () => {
    const dev = hostProject('asked')
    await dev.ok('cluster', 'init', '--name', 'asked', '--distribution', 'Vanilla', '--gitops-engine', 'Flux')
    const result = await dev.ksail('cluster', 'create', '--provider', 'Docker')
    expect(result, result.stderr).toMatchObject({ code: 6, stdout: '' })
    expect(result.stderr).toMatch(/docker does not answer/)
    expect(result.stderr).toMatch(/DOCKER_HOST/)
    expect(existsSync(join(process.env['XDG_STATE_HOME'] as string, 'ksail/clusters/asked.json'))).toBe(false)
    expect(existsSync(join(dev.folder, '.ksail'))).toBe(false)
  })
})

describeOnHost('ports', () => {
  it('one that is taken between choosing and binding: another one is tried', async () => {
    const ctx = createContext({ env: { ...process.env } })
    const unit = unitOf(ctx, 'race', 'registry')
    await ensureUnit(unit)
    const tried: number[] = []
    const held: Server[] = []
    try {
      const { ready } = await ensureComponent(ctx, unit, 'registry', {
        until: ctx.now() + 60_000,
        prepare: async ({ registry }) => {
          tried.push(registry as number)
          if (held.length < 2) held.push(await listen(registry as number))
          await writeText(
            inUnit(unit, 'data', 'registry.yml'),
            JSON.stringify({
              version: 0.1,
              storage: { filesystem: { rootdirectory: join(unit.folder, 'data', 'registry') } },
              http: { addr: `127.0.0.1:${registry}` },
            }),
          )
        },
      })
      expect((await ready)['registry']).toBe(tried[2])
      expect(new Set(tried).size).toBe(3)
    } finally {
      for (const server of held) server.close()
      await endComponents(ctx, unit, ['registry'], 1000)
      await removeUnit(ctx, unit)
    }
  })

  it('one that the user names and that is taken is an error, and nothing stays', async () => {
    const server = await listen(0)
    const port = (server.address() as { port: number }).port
    const dev = hostProject('named')
    try {
      expect(await dev.ksail('up', '--local-registry', `localhost:${port}`)).toMatchObject({
        code: 4,
        stderr: expect.stringContaining(String(port)),
      })
      expect(processesOf('named')).toEqual({})
    } finally {
      server.close()
      await dev.remove()
    }
  })
})
