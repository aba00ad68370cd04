import { afterAll, describe, expect, it } from 'vitest'
import { run } from '../bed/programs.ts'
import { docker, kindProject as project } from '../e2e/bed.ts'
import { hasTools } from '../needs.ts'

/** Makes no nodes: what it says of them is compared with what kind is given elsewhere. */
describe.skipIf(!hasTools('docker', 'kind', 'flux', 'kubectl', 'oras'))('create --dry-run with Docker', () => {
  const name = `dry-${process.pid}`
  const registry = `${name}-local-registry`
  const it1 = project(name)
  const told = async (...args: readonly string[]): Promise<readonly { title: string; commands: readonly string[] }[]> =>
    (JSON.parse((await it1.ok('cluster', 'create', '--dry-run', '-o', 'json', ...args)).stdout) as { planned: [] }).planned
  const clear = async (): Promise<void> => {
    await run('docker', ['rm', '-f', '-v', registry])
    await run('docker', ['volume', 'rm', '-f', registry])
  }
  afterAll(clear)

  it('names every step, kind with its configuration on stdin, and makes nothing', async () => {
    await it1.ok('cluster', 'init', '--gitops-engine', 'Flux', '--workers', '1')
    const planned = await told()
    expect(planned.map(({ title }) => title)).toEqual([
      `registry ${registry}`,
      `cluster ${name}`,
      'registry on the network kind',
      'nodes trust localhost registry',
      'first artifact',
      'Flux controllers',
      'Flux reads k8s:dev',
      'first artifact live',
    ])
    const [kind] = planned[1]?.commands ?? []
    expect(kind).toMatch(
      new RegExp(`^kind create cluster --name ${name} --config - .*<<'EOF'\\n[^]*name: ${name}\\n[^]*role: worker[^]*\\nEOF$`),
    )
    expect(planned[3]?.commands.map((command) => command.split(' ')[3])).toEqual([`${name}-control-plane`, `${name}-worker`])
    expect(await docker('ps', '-aq', '--filter', `name=${name}`)).toBe('')
  })

  it('tells commands that can be pasted', async () => {
    let commands: readonly string[] = []
    let code: number | null = null
    let stderr = ''
    // other tests choose ports meanwhile: one that was taken since it was told is told anew, as a real run chooses anew
    for (let attempt = 0; attempt < 5 && (attempt === 0 || / already (?:allocated|in use)/.test(stderr)); attempt++) {
      await clear()
      commands = (await told())[0]?.commands ?? []
      expect(commands).toHaveLength(2)
      ;({ code, stderr } = await run('bash', ['-c', commands.join(' && ')]))
    }
    expect({ code, stderr }).toMatchObject({ code: 0 })
    const port = /127\.0\.0\.1:(\d+):5000/.exec(commands[1] ?? '')?.[1]
    expect(await docker('port', registry, '5000/tcp')).toBe(`127.0.0.1:${port}`)
    // what was pasted is not known to ksail: it is somebody else's
    expect(await it1.ksail('cluster', 'create', '--dry-run')).toMatchObject({ code: 4 })
    expect((await told('--adopt'))[0]?.commands).toEqual([])
  })

  it('finds a port that is taken, and no engine, as a real run would', async () => {
    const port = (await docker('port', registry, '5000/tcp')).split(':').at(-1)
    const other = project(`${name}-b`)
    expect(await other.ksail('up', '--dry-run', '--local-registry', `localhost:${port}`)).toMatchObject({ code: 4 })
    const nowhere = project(`${name}-c`, { env: { DOCKER_HOST: 'unix:///nowhere/docker.sock' } })
    expect(await nowhere.ksail('up', '--dry-run', '--provider', 'Docker')).toMatchObject({ code: 6 })
  })
})
