import { createServer } from 'node:net'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../bed/programs.ts'
import { holdPort } from '../e2e/bed.ts'
import { quietPort } from '../fakes/ports.ts'
import { createContext } from '../../lib/context.ts'
import { containerRegistry } from '../../lib/distributions/container-registry.ts'
import { ensureRegistry, findRegistry, removeRegistry } from '../../lib/registry/container.ts'
import * as docker from '../../lib/tools/docker.ts'
import { hasTools } from '../needs.ts'

/** Real containers: names of their own, so that nothing of the machine is touched. */
describe.skipIf(!hasTools('docker'))('the registry container on a real engine', () => {
  const ctx = createContext({})
  const owner = { id: `test-${process.pid}`, project: `/test/${process.pid}` }
  const names = [`edge-${process.pid}-a`, `edge-${process.pid}-b`]
  const [a, b] = names as [string, string]
  const [nameOfA, nameOfB] = names.map((cluster) => `${cluster}-local-registry`) as [string, string]
  /** Where they begin to look: others look from 5050 on, and would take a port that is free for a moment. */
  let recorded: number
  const ensure = (cluster: string, over: object = {}) => ensureRegistry(ctx, { cluster, owner, image: 'registry:3', recorded, ...over })

  beforeAll(async () => void (recorded = await quietPort()))
  // also what a test that failed did not make its own
  afterEach(async () => {
    await run('docker', ['rm', '-f', '-v', nameOfA, nameOfB])
    await run('docker', ['volume', 'rm', '-f', nameOfA, nameOfB])
  })

  it('is made, found, started again and removed', async () => {
    const made = await ensure(a)
    expect(made).toMatchObject({ created: true, container: `${a}-local-registry`, adopted: [] })
    expect((await fetch(`http://127.0.0.1:${made.port}/v2/`)).status).toBe(200)
    expect(await ensure(a)).toEqual({ ...made, created: false })
    expect(await findRegistry(ctx, a)).toMatchObject({
      name: made.container,
      running: true,
      volumes: [made.container],
      ports: { '5000/tcp': made.port },
    })
    await docker.stopContainers(ctx, [made.container])
    await expect(findRegistry(ctx, a)).rejects.toMatchObject({ message: expect.stringContaining('stopped') })
    expect(await ensure(a)).toEqual({ ...made, created: false })
    expect(await removeRegistry(ctx, { cluster: a, owner, keepStorage: true })).toEqual([`container ${made.container}`])
    expect(await ensure(a, { owner: { id: 'another run', project: owner.project } })).toMatchObject({ created: true })
    expect(await removeRegistry(ctx, { cluster: a, owner: { id: 'another run', project: owner.project } })).toHaveLength(2)
    expect(await findRegistry(ctx, a)).toBeUndefined()
  })

  it('gives two clusters that are made at once two ports', async () => {
    const made = await Promise.all([ensure(a), ensure(b)])
    expect(new Set(made.map(({ port }) => port)).size).toBe(2)
  })

  it('goes on to the next port when docker finds one taken that looked free', async () => {
    const server = createServer()
    const port = await quietPort()
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    try {
      await expect(ensure(a, { port, isFree: async () => true })).rejects.toMatchObject({
        code: 'conflict',
        message: expect.stringContaining(String(port)),
      })
      expect(await docker.inspect(ctx, [nameOfA])).toEqual([])
      expect((await ensure(a, { recorded: port, isFree: async (it: number) => it >= port })).port).toBeGreaterThan(port)
    } finally {
      await new Promise((resolve) => server.close(resolve))
    }
  })

  it('leaves what carries another id', async () => {
    const { container } = await ensure(a)
    const stranger = { id: 'stranger', project: '/elsewhere' }
    await expect(ensure(a, { owner: stranger })).rejects.toMatchObject({ exitCode: 4, message: expect.stringContaining(owner.project) })
    expect(await removeRegistry(ctx, { cluster: a, owner: stranger })).toEqual([])
    expect(await docker.inspect(ctx, [container])).toHaveLength(1)
  })

  it('whose port Docker chooses is taken over with the port that it has now', async () => {
    const name = nameOfA
    await docker.start(ctx, {
      name,
      image: 'registry:3',
      labels: {},
      env: {},
      publish: '127.0.0.1::5000',
      volume: `${name}:/var/lib/registry`,
    })
    const stranger = { ...owner, id: 'stranger', project: '/stranger' }
    await expect(ensure(a, { owner: stranger })).rejects.toMatchObject({ exitCode: 4 })
    const portNow = async (): Promise<number | undefined> => (await docker.inspect(ctx, [name]))[0]?.ports['5000/tcp']
    const first = await portNow()
    const { port, adopted, created } = await ensure(a, { adopt: true })
    expect({ port, created }).toEqual({ port: first, created: false })
    const taker = { ...owner, adopted }
    await docker.stopContainers(ctx, [name])
    expect((await containerRegistry.find(ctx, a))?.port).toBeUndefined()
    const thief = await holdPort(first as number)
    try {
      const again = await ensure(a, { owner: taker, recorded: first })
      expect(again).toMatchObject({ port: await portNow(), created: false })
      expect(again.port).not.toBe(first)
      expect((await findRegistry(ctx, a))?.id).toBe(adopted[0])
      expect(await removeRegistry(ctx, { cluster: a, owner: { ...taker, adopted: [...adopted, name] } })).toHaveLength(2)
    } finally {
      thief?.close()
    }
  })
})
