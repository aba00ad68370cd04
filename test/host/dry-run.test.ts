import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { configMap, describeOnHost, filesBelow, hostProject, processesOf } from './bed.ts'

const NAME = 'dry'

/** The commands that a dry run told, without the lines of what they read from stdin. */
const commandsIn = (text: string): readonly string[] =>
  [...text.matchAll(/^ {2}would run: (.*)$/gm)].map(([, command]) => command as string)

describeOnHost('--dry-run', () => {
  const project = hostProject(NAME)
  const state = (): readonly string[] => filesBelow(join(process.env['XDG_STATE_HOME'] as string, 'ksail'))
  afterAll(project.remove)

  it('tells everything from an empty folder on, and does nothing of it', async () => {
    const { stdout, stderr } = await project.ok('up', '--dry-run')
    expect(stdout).toBe(`cluster ${NAME} (dry run): context ksail-${NAME}\n`)
    expect(stderr).toContain('would write ksail.yaml')
    for (const part of ['registry serve', 'etcd --name', '--secure-port', 'oras cp', 'kubectl', 'source-controller --events-addr'])
      expect(commandsIn(stderr).filter((command) => command.includes(part)).length, part).toBeGreaterThan(0)
    expect(stderr).toContain('url: oci://127.0.0.1:')
    expect(filesBelow(project.folder)).toEqual([])
    expect(state()).toEqual([])
    expect(existsSync(process.env['KUBECONFIG'] as string)).toBe(false)
    expect(processesOf(NAME)).toEqual({})
  })

  it('tells what up then runs', async () => {
    await project.ok('down')
    const dry = commandsIn((await project.ok('up', '--dry-run')).stderr)
    const { stderr } = await project.ok('up', '-v')
    const ran = [...stderr.matchAll(/^\$ (.*)$/gm)].map(([, command]) => command as string)
    const plain = (command: string): string =>
      command.replace(/^cd \S+ && (?:\w+=\S* )*/, '').replaceAll(/(=|127\.0\.0\.1:)\d{4,5}\b/g, '$1PORT')
    const programs = dry.map(plain).filter((command) => /^(etcd|kube-|source-|kustomize-|registry )/.test(command))
    expect(programs.length).toBe(6)
    for (const command of programs) expect(ran.map(plain)).toContain(command)
    const copy = dry.find((command) => command.startsWith('oras cp')) as string
    expect(ran.map((it) => plain(it).replace(' --no-tty', ''))).toContain(plain(copy))
  })

  it('leaves out what is there already', async () => {
    const created = JSON.parse((await project.ok('cluster', 'create', '--dry-run', '-o', 'json')).stdout) as Record<string, unknown>
    expect(created).toMatchObject({ name: NAME, already: true, pushed: false })
    expect((created['planned'] as { commands: string[] }[]).flatMap(({ commands }) => commands)).toEqual([])
    const { stderr } = await project.ok('up', '--dry-run')
    expect(commandsIn(stderr)).toEqual([])
    expect(stderr).toContain('already so')
  })

  it('knows what a change would send, which create would not', async () => {
    project.put({ 'a.yaml': configMap('a', `${Date.now()}`) })
    expect(commandsIn((await project.ok('cluster', 'create', '--dry-run')).stderr)).toEqual([])
    const [copy, ...others] = commandsIn((await project.ok('up', '--dry-run')).stderr)
    expect(others).toEqual([])
    const { digest } = JSON.parse((await project.ok('workload', 'push', '-o', 'json')).stdout) as { digest: string }
    expect(copy).toContain(digest)
  })

  it('says how it would be stopped, started and removed, and leaves it as it is', async () => {
    await project.ok('cluster', 'start')
    const before = processesOf(NAME)
    const stop = await project.ok('cluster', 'stop', '--dry-run')
    for (const pid of Object.values(before)) expect(stop.stderr).toContain(String(pid))
    const down = await project.ok('down', '--dry-run', '-o', 'json')
    const { removed, planned } = JSON.parse(down.stdout) as { removed: string[]; planned: { removes: string[]; commands: string[] } }
    expect(removed).toEqual([])
    expect(planned.removes).toContain(`process ${NAME}-local-registry`)
    expect(planned.commands.filter((command) => command.startsWith('rm -rf'))).toHaveLength(2)
    expect(processesOf(NAME)).toEqual(before)
    await project.ok('cluster', 'stop')
    const start = await project.ok('cluster', 'start', '--dry-run')
    expect(commandsIn(start.stderr)).toHaveLength(6)
    const create = await project.ok('cluster', 'create', '--dry-run')
    expect(commandsIn(create.stderr)).toHaveLength(6)
    expect(processesOf(NAME)).toEqual({})
  })

  it('finds conflicts as a real run would', async () => {
    const thief = hostProject(NAME)
    expect(await thief.ksail('up', '--dry-run')).toMatchObject({ code: 4, stderr: expect.stringContaining(project.folder) })
    expect(await thief.ksail('cluster', 'delete', '--dry-run')).toMatchObject({ code: 4 })
    expect(filesBelow(thief.folder)).toEqual([])
    expect(await project.ksail('cluster', 'create', '--dry-run', '--provider', 'Docker')).toMatchObject({ code: 4 })
    expect(await hostProject('nodocker').ksail('up', '--dry-run', '--provider', 'Docker')).toMatchObject({ code: 6 })
  })
})
