import { spawn, type ChildProcess } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { expect } from 'vitest'
import type { Boundary } from '../fakes/machine/holds.ts'
import { entriesOf } from '../fakes/machine/kubeconfig.ts'
import { createMachines, type World } from '../fakes/machine/machine.ts'
import { emptyFolder, program } from './run.ts'

const FILES = {
  'ksail.yaml': 'apiVersion: ksail.io/v1alpha1\nkind: Cluster\nmetadata:\n  name: NAME\nspec:\n  cluster:\n    gitOpsEngine: Flux\n',
  'k8s/kustomization.yaml': 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - greeting.yaml\n',
  'k8s/greeting.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: greeting\n  namespace: default\ndata:\n  text: hello\n',
}

/** Machines are made here and reached by real processes; the test file closes them. */
export const machines = await createMachines(realpathSync(emptyFolder()))
const compiled = emptyFolder()

/** Much longer than a create takes on a busy machine. */
const LIMIT = 45_000

let worlds = 0
/** A machine with a project on it; what ksail remembers of tools comes from another one when it is given. */
export const newWorld = (from?: World): World => {
  const world = machines.world(`world${++worlds}`)
  for (const [file, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(world.folder, 'project', file)), { recursive: true })
    writeFileSync(join(world.folder, 'project', file), text.replace('NAME', world.name))
  }
  if (from !== undefined) cpSync(join(from.folder, 'cache'), join(world.folder, 'cache'), { recursive: true, preserveTimestamps: true })
  return world
}

interface Create {
  readonly child: ChildProcess
  readonly ended: Promise<{ readonly status: number | null; readonly said: string }>
}

export const create = (world: World): Create => {
  const child = spawn(process.execPath, [program, 'cluster', 'create'], {
    cwd: join(world.folder, 'project'),
    env: { ...world.env, NODE_COMPILE_CACHE: compiled },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => void (said += chunk))
  // not `close`: what a killed ksail had started may hold its pipes
  const ended = new Promise<{ status: number | null; said: string }>((resolve, reject) => {
    const late = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`create has not ended in time; calls that are open: ${world.living().join('; ') || 'none'}\n${said}`))
    }, LIMIT)
    child.once('exit', (status) => {
      clearTimeout(late)
      setImmediate(() => resolve({ status, said }))
    })
  })
  ended.catch(() => undefined)
  return { child, ended }
}

/** Runs create up to a boundary and sends it the signal while the call waits there. */
const cutOff = async (world: World, at: Boundary, signal: NodeJS.Signals) => {
  const held = world.hold(at)
  const run = create(world)
  const early = run.ended.then(({ status, said }) => Promise.reject(new Error(`ended with ${status} before ${at.call}\n${said}`)))
  await Promise.race([held.reached, early])
  early.catch(() => undefined)
  run.child.kill(signal)
  return { held, ended: run.ended }
}

const below = (folder: string): readonly string[] => (existsSync(folder) ? readdirSync(folder) : [])

/** What is on the machine of a world. */
const pictureOf = ({ name, env, engine, refused, living, folder }: World): object => {
  const state = join(folder, 'state/ksail')
  const clusters = below(join(state, 'clusters')).filter((it) => it !== `${name}.json`)
  // the next one who writes into the cache sweeps it
  const halves = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((it) => it.endsWith('.tmp') && !it.startsWith('cache'))
  return {
    containers: [...engine.containers.values()].map((it) => `${it.name} ${it.running ? 'runs' : 'does not run'}`).toSorted(),
    volumes: [...engine.volumes.keys()],
    networks: [...engine.networks].filter((it) => it === 'kind'),
    contexts: entriesOf(env['KUBECONFIG'] ?? '').map((it) => it.name),
    record: existsSync(join(state, 'clusters', `${name}.json`)),
    litter: [...below(join(folder, 'tmp')), ...below(join(state, 'run')), ...clusters, ...halves],
    processes: living(),
    refused,
  }
}

const nothing = { containers: [], volumes: [], networks: [], contexts: [], record: false, litter: [], processes: [], refused: [] }

/** What is right in the end: what just ended is left to the system for a moment. */
const expectPicture = async (world: World, wanted: object, said: string): Promise<void> => {
  const end = performance.now() + 20_000
  while (!isDeepStrictEqual(pictureOf(world), wanted) && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 20))
  expect(pictureOf(world), said).toEqual(wanted)
}

/** A whole cluster, once, and everything knows of the same things. */
export const expectWhole = async (world: World, said: string): Promise<void> => {
  const { name, engine, clusters, folder, env } = world
  const registryName = `${name}-local-registry`
  await expectPicture(
    world,
    {
      ...nothing,
      containers: [`${name}-control-plane runs`, `${registryName} runs`],
      volumes: [registryName],
      networks: ['kind'],
      contexts: [`kind-${name}`],
      record: true,
    },
    said,
  )
  const record = JSON.parse(readFileSync(join(folder, 'state/ksail/clusters', `${name}.json`), 'utf8'))
  const [registry, volume, cluster] = [engine.find(registryName), engine.volumes.get(registryName), clusters.get(name)]
  expect(record).toMatchObject({ name, nodes: [engine.find(`${name}-control-plane`)?.id], port: registry?.ports['5000/tcp'] })
  for (const made of [registry, volume]) expect(made?.labels).toMatchObject({ 'io.ksail.project': record.id })
  expect(registry?.networks).toContain('kind')
  expect(entriesOf(env['KUBECONFIG'] ?? '')).toEqual([{ name: `kind-${name}`, port: cluster?.port }])
  const answer = await fetch(`http://127.0.0.1:${record.port}/v2/k8s/manifests/dev`)
  const digest = answer.headers.get('docker-content-digest')
  expect(digest).toMatch(/^sha256:/)
  const live = cluster?.objects.get('kustomize.toolkit.fluxcd.io/v1/kustomizations', 'flux-system', 'flux-system')
  expect(live?.status.lastAppliedRevision).toBe(`dev@${digest}`)
}

/** Kills a create at a boundary, gives the same command again: everything is there, once. */
export const killAt = async (at: Boundary, world: World): Promise<void> => {
  const { held, ended } = await cutOff(world, at, 'SIGKILL')
  await ended
  const { status, said } = await create(world).ended
  // what the killed run had started goes on as late as it can
  held.release()
  await held.over
  expect(status, said).toBe(0)
  await expectWhole(world, said)
  world.end()
}

/** Ctrl-C at a boundary: nothing of what the run made is left, unless it had nothing more to make. */
export const interruptAt = async (at: Boundary, world: World): Promise<void> => {
  const { held, ended } = await cutOff(world, at, 'SIGINT')
  // what is no longer ended by the signal, as the last look at what was made, goes on
  const late = setTimeout(held.release, 2000)
  const { status, said } = await ended
  clearTimeout(late)
  if (status === 0) await expectWhole(world, said)
  else {
    expect(status, said).toBe(130)
    await expectPicture(world, nothing, said)
  }
  world.end()
}

/** Kills a create, and cuts off the next one as well, where it comes to that call: the third one has everything, once. */
export const cutOffTwice = async (at: Boundary, next: Boundary, signal: NodeJS.Signals, world: World): Promise<void> => {
  const first = await cutOff(world, at, 'SIGKILL')
  await first.ended
  const nth = world.boundaries.filter(({ call, edge }) => call === next.call && edge === 'begin').length + 1
  const held = world.hold({ ...next, nth })
  const second = create(world)
  await Promise.race([held.reached, second.ended])
  second.child.kill(signal)
  setTimeout(held.release, 2000)
  const between = await second.ended
  const { status, said } = await create(world).ended
  first.held.release()
  await first.held.over
  expect(status, `${between.said}\n${said}`).toBe(0)
  await expectWhole(world, said)
  world.end()
}

/** A call that fails: the command fails with its words, and nothing of what the run made is left. */
export const failAt = async (at: Boundary, world: World): Promise<void> => {
  world.fail(at.call, { code: 1, stderr: 'Error: out of order\n' })
  const { status, said } = await create(world).ended
  expect(status, said).toBeGreaterThan(0)
  expect(said).toContain('out of order')
  await expectPicture(world, nothing, said)
  world.end()
}

/** Every boundary of a create where ksail knows the tools already, then what it has to find out of them only once. */
export const boundariesOfCreate = async () => {
  const [cold, saidCold] = await undisturbed(newWorld())
  const [warm, saidWarm] = await undisturbed(newWorld(cold))
  const known = new Set(warm.boundaries.map(({ call }) => call))
  const once = cold.boundaries
    .filter(({ call, nth }) => !known.has(call) && nth === 1)
    .map((at) => ({ at, from: undefined as World | undefined }))
  return {
    boundaries: [...warm.boundaries.map((at) => ({ at, from: cold as World | undefined })), ...once].map((it) => ({
      ...it,
      title: titleOf(it.at),
    })),
    runs: [
      { world: cold, said: saidCold },
      { world: warm, said: saidWarm },
    ],
  }
}

const undisturbed = async (world: World): Promise<readonly [World, string]> => [world, (await create(world).ended).said]

const titleOf = ({ edge, call, nth }: Boundary): string =>
  `${edge} of ${call.replace(/( --label \S+| -e \S+)+/, ' …').slice(0, 100)}${nth > 1 ? ` (${nth})` : ''}`

/** Whether a call changes something: after its end the machine is another one than at its begin. */
export const changes = ({ call }: Boundary): boolean =>
  /^(docker (volume create|run|network connect|exec)|kind create|oras cp|kubectl proxy|flux install)/.test(call)
