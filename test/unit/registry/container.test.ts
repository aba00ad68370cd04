import { describe, expect, it } from 'vitest'
import { ensureRegistry, findRegistry, removeRegistry } from '../../../lib/registry/container.ts'
import { fakeContext } from '../../fakes/context.ts'
import { fakeDocker, type FakeContainer } from '../../fakes/docker.ts'

const owner = { id: 'abc', project: '/home/me/app' }
const mine = { 'io.ksail.cluster': 'dev', 'io.ksail.role': 'registry', 'io.ksail.project': 'abc', 'io.ksail.directory': '/home/me/app' }
const theirs = { ...mine, 'io.ksail.project': 'xyz', 'io.ksail.directory': '/home/you/app' }

const dockerContext = (...args: Parameters<typeof fakeDocker>) => {
  const docker = fakeDocker(...args)
  return { ...docker, ctx: fakeContext({ exec: docker.exec, fetch: async () => new Response('{}') }) }
}

const ensure = (ctx: ReturnType<typeof fakeContext>, over: object = {}, taken: readonly number[] = []) =>
  ensureRegistry(ctx, { cluster: 'dev', owner, image: 'registry:3', isFree: async (port) => !taken.includes(port), ...over })

describe('ensureRegistry', () => {
  it('makes volume and container, labelled and bound to this machine only', async () => {
    const { ctx, exec, disks } = dockerContext()
    expect(await ensure(ctx)).toEqual({ port: 5050, container: 'dev-local-registry', created: true, adopted: [] })
    expect(disks.get('dev-local-registry')).toEqual(mine)
    expect(exec.commands().find((it) => it.startsWith('docker run'))).toMatchInlineSnapshot(
      `"docker run -d --name dev-local-registry --label io.ksail.cluster=dev --label io.ksail.role=registry --label io.ksail.project=abc --label io.ksail.directory=/home/me/app --label io.ksail.port=5050 -e REGISTRY_STORAGE_DELETE_ENABLED=true -e OTEL_TRACES_EXPORTER=none -e REGISTRY_LOG_LEVEL=info -p 127.0.0.1:5050:5000 -v dev-local-registry:/var/lib/registry --restart unless-stopped --log-opt max-size=5m --log-opt max-file=2 registry:3"`,
    )
  })

  it('is done when it runs already', async () => {
    const { ctx, exec } = dockerContext([{ name: 'dev-local-registry', labels: mine, port: 5057 }])
    expect(await ensure(ctx)).toMatchObject({ port: 5057, created: false })
    expect(exec.commands().every((it) => it.startsWith('docker container inspect'))).toBe(true)
  })

  it.each([
    ['of ours is used', mine, { port: 5057, created: false }],
    ['of somebody else is left alone', theirs, { code: 'conflict' }],
  ])('a container of that name that comes while ours is made: one %s', async (_case, labels, expected) => {
    const fake = dockerContext([], {
      more: {
        'docker run *': () => {
          fake.all.set('dev-local-registry', {
            id: 'late',
            name: 'dev-local-registry',
            image: 'registry:3',
            running: true,
            port: 5057,
            labels,
            created: '',
            networks: [],
          })
          return {
            exitCode: 125,
            stderr:
              'docker: Error response from daemon: Conflict. The container name "/dev-local-registry" is already in use by container "late".',
          }
        },
      },
    })
    expect(await ensure(fake.ctx).catch((error: unknown) => error)).toMatchObject(expected)
    expect(fake.all.get('dev-local-registry')?.id).toBe('late')
  })

  it('starts a stopped one of ours', async () => {
    const { ctx, exec } = dockerContext([{ name: 'dev-local-registry', labels: mine, running: false, port: 5051 }])
    expect(await ensure(ctx)).toMatchObject({ port: 5051, created: false })
    expect(exec.commands()).toContain('docker start dev-local-registry')
  })

  it.each([
    ['the default is taken', {}, [5050, 5051], [], 5052],
    ['docker knows better', {}, [], [5050, 5051], 5052],
    ['the recorded one is free', { recorded: 6001 }, [], [], 6001],
    ['the recorded one is taken', { recorded: 6001 }, [6001], [], 5050],
  ])('chooses a port when %s', async (_case, over, taken, busy, port) => {
    const { ctx, all } = dockerContext([], { busy })
    expect((await ensure(ctx, over, taken)).port).toBe(port)
    expect(all.get('dev-local-registry')).toMatchObject({ port, running: true })
    expect(ctx.texts().some((text) => text.includes('is taken'))).toBe(port !== ((over as { recorded?: number }).recorded ?? 5050))
  })

  it.each([
    [[5099], []],
    [[], [5099]],
  ])('refuses a named port that is taken and leaves no container behind', async (taken, busy) => {
    const { ctx, all } = dockerContext([], { busy })
    await expect(ensure(ctx, { port: 5099 }, taken)).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('5099') })
    expect(all.size).toBe(0)
  })

  it.each([
    ['container', [{ name: 'dev-local-registry', labels: theirs }], {}, '/home/you/app'],
    ['container', [{ name: 'dev-local-registry', labels: {} }], {}, 'somebody else'],
    ['volume', [], { 'dev-local-registry': theirs }, '/home/you/app'],
    ['volume', [], { 'dev-local-registry': {} }, 'somebody else'],
  ])('leaves a %s of others alone and names its owner', async (what, containers, volumes, named) => {
    const { ctx, exec } = dockerContext(containers, { volumes })
    await expect(ensure(ctx)).rejects.toMatchObject({
      exitCode: 4,
      message: expect.stringMatching(new RegExp(`${what} dev-local-registry belongs to .*${named}`)),
    })
    expect(exec.commands().filter((it) => !it.includes('inspect'))).toEqual([])
  })

  it('takes over what belongs to others when told so, and says what', async () => {
    const { ctx } = dockerContext([{ name: 'dev-local-registry', labels: theirs, port: 5055 }])
    expect(await ensure(ctx, { adopt: true })).toEqual({
      port: 5055,
      container: 'dev-local-registry',
      created: false,
      adopted: ['id-dev-local-registry'],
    })
    expect(await ensure(ctx, { owner: { ...owner, adopted: ['id-dev-local-registry'] } })).toMatchObject({ port: 5055, adopted: [] })
    const other = dockerContext([], { volumes: { 'dev-local-registry': theirs } })
    expect(await ensure(other.ctx, { adopt: true })).toMatchObject({ created: true, adopted: ['dev-local-registry'] })
  })

  it('knows the volume that delete --keep-storage kept for this folder', async () => {
    const { ctx, disks } = dockerContext([], { volumes: { 'dev-local-registry': { ...mine, 'io.ksail.project': 'an older id' } } })
    expect(await ensure(ctx)).toMatchObject({ created: true, adopted: [] })
    expect(disks.get('dev-local-registry')).toMatchObject({ 'io.ksail.project': 'an older id' })
  })

  it.each([
    [{ port: 5070 }, 5070, 'port 5050 → 5070'],
    [{ image: 'mirror/registry:3' }, 5050, 'image registry:3 → mirror/registry:3'],
  ])('makes its own again for %o', async (over, port, why) => {
    const { ctx, all } = dockerContext([{ name: 'dev-local-registry', labels: mine }], { volumes: { 'dev-local-registry': mine } })
    expect(await ensure(ctx, over)).toMatchObject({ port, created: true })
    expect(all.get('dev-local-registry')?.id).toBe('new-dev-local-registry')
    expect(ctx.texts().join()).toContain(why)
  })

  it('moves its own stopped one when its port was taken meanwhile', async () => {
    const { ctx } = dockerContext([{ name: 'dev-local-registry', labels: { ...mine, 'io.ksail.port': '5050' }, running: false }], {
      volumes: { 'dev-local-registry': mine },
      busy: [5050],
    })
    expect(await ensure(ctx)).toMatchObject({ port: 5051, created: true })
  })

  it('undoes what it made, and only that', async () => {
    const undos: (() => Promise<void>)[] = []
    const made = dockerContext()
    await ensureRegistry(
      made.ctx,
      { cluster: 'dev', owner, image: 'registry:3', isFree: async () => true },
      (undo) => void undos.push(undo),
    )
    for (const undo of undos.splice(0).toReversed()) await undo()
    expect([made.all.size, made.disks.size]).toEqual([0, 0])
    const there = dockerContext([{ name: 'dev-local-registry', labels: mine }])
    await ensureRegistry(there.ctx, { cluster: 'dev', owner, image: 'registry:3' }, (undo) => void undos.push(undo))
    expect(undos).toEqual([])
  })

  it('gives up with the last words of a registry that has ended', async () => {
    const { ctx, all } = dockerContext()
    const silent = {
      ...ctx,
      fetch: async (): Promise<Response> => {
        all.get('dev-local-registry')!.running = false
        throw new TypeError('fetch failed')
      },
    }
    await expect(ensure(silent)).rejects.toMatchObject({
      code: 'failed',
      details: ['its last words'],
      message: 'registry dev-local-registry has ended (exited)',
    })
  })
})

describe('findRegistry', () => {
  const by = (name: string, labels: Record<string, string>, running = true): FakeContainer => ({ name, labels, running })
  const label = (cluster: string) => ({ 'io.ksail.cluster': cluster, 'io.ksail.role': 'registry' })
  it.each([
    ['by label', [by('other-name', label('dev')), by('dev-local-registry', {})], 'other-name'],
    ['by name', [by('dev-local-registry', {})], 'dev-local-registry'],
    ['not by the name of another cluster', [by('dev-local-registry', label('prod'))], undefined],
    ['not by a name that only begins like it', [by('dev-2-local-registry', label('dev-2')), by('my-dev-local-registry', {})], undefined],
    ['not a mirror', [by('dev-docker.io', { ...label('dev'), 'io.ksail.role': 'mirror' })], undefined],
    ['the running one', [by('a', label('dev'), false), by('b', label('dev'))], 'b'],
  ])('finds it %s', async (_case, containers, name) => {
    expect((await findRegistry(dockerContext(containers).ctx, 'dev'))?.name).toBe(name)
  })
  it.each([
    ['stopped', [by('dev-local-registry', label('dev'), false)], 'unresolved', /is stopped/],
    ['ambiguous', [by('a', label('dev')), by('b', label('dev'))], 'conflict', /a, b/],
  ])('says so when it is %s', async (_case, containers, code, message) => {
    await expect(findRegistry(dockerContext(containers).ctx, 'dev')).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    })
  })
})

describe('removeRegistry', () => {
  it.each([
    [mine, false, ['container dev-local-registry', 'volume dev-local-registry']],
    [mine, true, ['container dev-local-registry']],
    [theirs, false, []],
  ])('removes what carries this project’s id', async (labels, keepStorage, removed) => {
    const { ctx, all, disks } = dockerContext([{ name: 'dev-local-registry', labels }], { volumes: { 'dev-local-registry': labels } })
    expect(await removeRegistry(ctx, { cluster: 'dev', owner, keepStorage })).toEqual(removed)
    expect(all.size + disks.size).toBe(2 - removed.length)
    expect(await removeRegistry(ctx, { cluster: 'dev', owner, keepStorage })).toEqual([])
  })
})
