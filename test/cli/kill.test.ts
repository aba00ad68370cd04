import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { entriesOf } from '../fakes/machine/kubeconfig.ts'
import type { Boundary } from '../fakes/machine/holds.ts'
import { createMachines, type World } from '../fakes/machine/machine.ts'
import { emptyFolder, program } from './run.ts'

const ALL = process.env['KSAIL_KILL_ALL'] === '1'
const machines = await createMachines(realpathSync(emptyFolder()))
const compiled = emptyFolder()

const FILES = {
  'ksail.yaml': 'apiVersion: ksail.io/v1alpha1\nkind: Cluster\nmetadata:\n  name: NAME\nspec:\n  cluster:\n    gitOpsEngine: Flux\n',
  'k8s/kustomization.yaml': 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - greeting.yaml\n',
  'k8s/greeting.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: greeting\n  namespace: default\ndata:\n  text: hello\n',
}

let worlds = 0
/** A machine with a project on it, and nothing else. */
const newWorld = (): World => {
  const world = machines.world(`world${++worlds}`)
  for (const [file, text] of Object.entries(FILES)) {
    mkdirSync(join(world.folder, 'project', file, '..'), { recursive: true })
    writeFileSync(join(world.folder, 'project', file), text.replace('NAME', world.name))
  }
  return world
}

interface Create {
  readonly child: ChildProcess
  readonly ended: Promise<{ readonly status: number | null; readonly said: string }>
}

const create = (world: World): Create => {
  const child = spawn(process.execPath, [program, 'cluster', 'create', '-v'], {
    cwd: join(world.folder, 'project'),
    env: { ...world.env, NODE_COMPILE_CACHE: compiled },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => void (said += chunk))
  // not `close`: what a killed ksail had started may hold its pipes
  const ended = new Promise<{ status: number | null; said: string }>((resolve) => child.once('exit', (status) => setImmediate(() => resolve({ status, said }))))
  return { child, ended }
}

const below = (folder: string): readonly string[] => (existsSync(folder) ? readdirSync(folder) : [])

/** What is on the machine of a world, in the words of the test. */
const pictureOf = ({ name, env, engine, refused, living, folder }: World) => {
  const state = join(folder, 'state/ksail')
  const record = join(state, 'clusters', `${name}.json`)
  return {
    containers: [...engine.containers.values()].map((it) => `${it.name} ${it.running ? 'runs' : 'does not run'}`).toSorted(),
    volumes: [...engine.volumes.keys()],
    networks: [...engine.networks].filter((it) => it === 'kind'),
    contexts: entriesOf(env['KUBECONFIG'] ?? '').map((it) => it.name),
    record: existsSync(record),
    litter: [...below(join(folder, 'tmp')), ...below(join(state, 'run')), ...below(join(state, 'clusters')).filter((it) => it !== `${name}.json`)],
    processes: living(),
    refused,
  }
}

const nothing = { containers: [], volumes: [], networks: [], contexts: [], record: false, litter: [], processes: [], refused: [] }
const whole = (name: string) => ({
  containers: [`${name}-control-plane runs`, `${name}-local-registry runs`],
  volumes: [`${name}-local-registry`], networks: ['kind'], contexts: [`kind-${name}`], record: true, litter: [], processes: [], refused: [],
})

/** A whole cluster, once, and everything knows of the same things. */
const expectWhole = async (world: World, said: string): Promise<void> => {
  const { name, engine, clusters, folder } = world
  await expect.poll(() => pictureOf(world), { timeout: 5000, message: said }).toEqual(whole(name))
  const record = JSON.parse(readFileSync(join(folder, 'state/ksail/clusters', `${name}.json`), 'utf8'))
  const registry = engine.find(`${name}-local-registry`)
  expect(record).toMatchObject({ name, nodes: [engine.find(`${name}-control-plane`)?.id], port: registry?.ports['5000/tcp'] })
  for (const { labels } of [registry, engine.volumes.get(`${name}-local-registry`)] as { labels: Record<string, string> }[]) expect(labels).toMatchObject({ 'io.ksail.project': record.id })
  expect(registry?.networks).toContain('kind')
  const cluster = clusters.get(name)
  expect(entriesOf(world.env['KUBECONFIG'] ?? '')).toEqual([{ name: `kind-${name}`, port: cluster?.port }])
  const head = registry === undefined ? undefined : engine.contentOf(registry)?.head('k8s', 'dev')
  expect(head).toMatch(/^sha256:/)
  const live = cluster?.objects.get('kustomize.toolkit.fluxcd.io/v1/kustomizations', 'flux-system', 'flux-system')
  expect(live?.status.lastAppliedRevision).toBe(`dev@${head}`)
  const answer = await fetch(`http://127.0.0.1:${record.port}/v2/k8s/manifests/dev`)
  expect(answer.headers.get('docker-content-digest')).toBe(head)
}

/** Runs create up to a boundary and sends the signal while the call waits there. */
const cutOff = async (world: World, at: Boundary, signal: NodeJS.Signals) => {
  const held = world.hold(at)
  const run = create(world)
  await Promise.race([held.reached, run.ended.then(({ status, said }) => Promise.reject(new Error(`ended with ${status} before ${at.call}\n${said}`)))])
  run.child.kill(signal)
  return { held, ...(await run.ended) }
}

const undisturbed = newWorld()
const first = await create(undisturbed).ended
const boundaries: readonly Boundary[] = [...undisturbed.boundaries]

/** Whether a call changes something: after its end the machine is another one than at its begin. */
const changes = ({ call }: Boundary): boolean => /^(docker (volume create|run|network connect|exec)|kind create|oras cp|kubectl proxy|flux install)/.test(call)
const title = ({ edge, call, nth }: Boundary): string => `${edge} of ${call.replace(/( --label \S+| -e \S+)+/, ' …').slice(0, 100)}${nth > 1 ? ` (${nth})` : ''}`
const killed = boundaries.filter((it) => ALL || it.edge === 'begin' || changes(it))
const interrupted = ALL ? boundaries : killed.filter((it, index) => index % 3 === 0 || (changes(it) && it.edge === 'end'))

it('an undisturbed create makes a whole cluster', async () => {
  expect(first.status, first.said).toBe(0)
  await expectWhole(undisturbed, first.said)
})

describe.concurrent('kill -9 of a create, then the same command: everything is there, once', () => {
  it.each(killed.map((at) => ({ title: title(at), at })))('at the $title', async ({ at }) => {
    const world = newWorld()
    const { held } = await cutOff(world, at, 'SIGKILL')
    const { status, said } = await create(world).ended
    // what the killed run had started goes on as late as it can
    held.release()
    await held.over
    expect(status, said).toBe(0)
    await expectWhole(world, said)
    world.end()
  })
})

describe.concurrent('Ctrl-C of a create: what this run made is gone', () => {
  it.each(interrupted.map((at) => ({ title: title(at), at })))('at the $title', async ({ at }) => {
    const world = newWorld()
    const { status, said } = await cutOff(world, at, 'SIGINT')
    if (status === 0) await expectWhole(world, said)
    else {
      expect(status, said).toBe(130)
      await expect.poll(() => pictureOf(world), { timeout: 5000, message: said }).toEqual(nothing)
    }
    world.end()
  })
})

afterAll(() => machines.close())
