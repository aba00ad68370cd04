import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { tagged } from '../bed/claims.ts'
import { SYNC } from '../bed/kube.ts'
import type { Project } from '../bed/project.ts'
import { inventory, processes, processesLeft } from './bed.ts'

export interface Moment {
  readonly title: string
  /** The line of `-vv` at which the process is killed. */
  readonly line: RegExp
  /** One of the three that every `npm test` runs. */
  readonly always?: boolean
}

/** Moments of `cluster create`, in the order of a run on a quiet machine. */
export const moments: readonly Moment[] = [
  { title: 'the record is written, nothing is made', line: /^► (registry|cluster) / },
  { title: 'the volume is being made', line: /^\$ docker volume create/ },
  { title: 'the registry is being started', line: /^\$ docker run / },
  { title: 'the registry is made', line: /^✔ registry /, always: true },
  { title: 'the first artifact is being sent', line: /^\$ oras cp/ },
  { title: 'kind has begun', line: /^\$ kind create/ },
  { title: 'kind prepares the nodes', line: /preparing nodes/i },
  { title: 'kind starts the control plane', line: /starting control-plane/i, always: true },
  { title: 'the manifests are being applied', line: /^► Flux reads /, always: true },
  { title: 'the first artifact is waited for', line: /^► first artifact live/ },
]

const stateFolder = (): string => join(process.env['XDG_STATE_HOME'] as string, 'ksail')

/** Private files that a run left although it is over. */
export const litter = (): string[] => {
  const of = (folder: string, pattern: RegExp): string[] =>
    existsSync(folder) ? readdirSync(folder).filter((name) => pattern.test(name)) : []
  return [
    ...of(join(stateFolder(), 'run'), /./),
    ...of(join(stateFolder(), 'clusters'), /\.(lock|tmp)$/),
    ...of(tmpdir(), /^ksail-(?!test-)/),
  ]
}

/** Ends `cluster create` at a moment by SIGKILL, then runs the same command again: everything must be there, once. */
export const killAndConverge = async (on: Project, moment: Moment): Promise<void> => {
  const first = on.start('cluster', 'create', '-vv')
  await first.line(moment.line)
  first.child.kill('SIGKILL')
  expect((await first.done).code, 'it was killed, it did not end').toBe(null)
  const orphans = processes(on.name)

  const second = await on.ksail('cluster', 'create')
  expect(second, `after the orphans ${orphans.join(', ') || 'none'}\n${second.stderr}`).toMatchObject({ code: 0 })
  console.log(`killed when ${moment.title}: converged in ${(second.ms / 1000).toFixed(1)} s`)
  expect(await inventory(on.name)).toEqual({
    containers: [`${on.name}-control-plane`, `${on.name}-local-registry`],
    volumes: [`${on.name}-local-registry`],
  })
  expect(await processesLeft(on.name)).toEqual([])
  expect(litter()).toEqual([])
  expect(JSON.parse(readFileSync(join(stateFolder(), 'clusters', `${on.name}.json`), 'utf8'))).toMatchObject({
    name: on.name,
    project: on.folder,
    port: await on.port(),
  })
  expect((await on.get(SYNC)).status.lastAppliedRevision).toBe(`dev@${await tagged(on)}`)
  await on.close()
  await on.ok('cluster', 'delete', '--yes')
  expect(await inventory(on.name)).toEqual({ containers: [], volumes: [] })
}
