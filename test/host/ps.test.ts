import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { clusterInfo, createContext, down, startCluster, stopCluster, up, type Event } from '../../lib/index.ts'
import { describeOnHost, filesBelow, processesOf } from './bed.ts'

/** macOS has no /proc: there `ps` and `lsof` say what runs and who listens. Both are here, too. */
describeOnHost('a cluster of processes that ps tells of', () => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'ksail-ps-')))
  const events: Event[] = []
  const ctx = createContext({
    platform: 'darwin',
    cwd: root,
    env: { ...process.env, XDG_STATE_HOME: join(root, 'state'), KUBECONFIG: join(root, 'kubeconfig') },
    report: (event) => void events.push(event),
  })
  const processes = (): Record<string, number> => processesOf('told', join(root, 'state'))

  afterAll(async () => {
    await down({ name: 'told', yes: true }, ctx).catch(() => undefined)
    rmSync(root, { recursive: true, force: true })
  })

  it('comes up, knows what was killed, heals it, stops, starts and leaves nothing', async () => {
    await up({ name: 'told', provider: 'Host' }, ctx)
    expect(await clusterInfo({ name: 'told' }, ctx)).toMatchObject({ status: 'running', down: [] })
    process.kill(processes()['source-controller'] as number, 9)
    await expect.poll(() => processes()['source-controller']).toBeUndefined()
    expect(await clusterInfo({ name: 'told' }, ctx)).toMatchObject({
      status: 'partly',
      down: [expect.stringMatching(/^process source-controller is not running/)],
    })
    await startCluster({ name: 'told' }, ctx)
    expect(await clusterInfo({ name: 'told' }, ctx)).toMatchObject({ status: 'running', down: [] })
    await stopCluster({ name: 'told' }, ctx)
    expect(processes()).toEqual({})
    await startCluster({ name: 'told' }, ctx)
    expect(await clusterInfo({ name: 'told' }, ctx)).toMatchObject({ status: 'running', down: [] })
    await down({ name: 'told', yes: true }, ctx)
    expect(processes()).toEqual({})
    expect(filesBelow(join(root, 'state'))).toEqual([])
  })

  it('shows nobody what other programs of the machine run with', () => {
    const told = events.flatMap((event) => (event.kind === 'output' ? [event.text] : []))
    expect(told.filter((text) => text.includes('vitest') || text.includes('process told'))).toEqual([])
  })
})
