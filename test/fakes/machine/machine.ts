import { mkdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Answer, type Call, Unknown } from './call.ts'
import type { Cluster } from './cluster.ts'
import { docker } from './docker.ts'
import { createEngine, type Engine } from './engine.ts'
import { createHolds, type Boundary, type Held } from './holds.ts'
import { kind } from './kind.ts'
import { flux, kubectl, oras } from './others.ts'
import { serveCalls, writeStandIns } from './server.ts'

const TOOLS = ['docker', 'kind', 'kubectl', 'oras', 'flux']

/** A machine of its own: an engine, clusters, folders of one user. Its tools are the stand-ins on its PATH. */
export interface World {
  readonly name: string
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  readonly engine: Engine
  readonly clusters: Map<string, Cluster>
  /** Every begin and end of a call so far, in order. */
  readonly boundaries: readonly Boundary[]
  /** Calls that nobody has told the machine about: a test that finds one here fails. */
  readonly refused: readonly string[]
  /** Processes that have called and still live, with their words. */
  readonly living: () => readonly string[]
  /** Holds the call at a boundary until it is released, so that something can happen exactly then. */
  hold(at: Boundary): Held
  /** Lets every call that reads like this fail, and do nothing. */
  fail(call: string, answer: Answer): void
  end(): void
}

export interface Machines {
  world(name: string): World
  close(): void
}

/** Machines below a folder, and the programs through which they are reached. */
export const createMachines = async (folder: string): Promise<Machines> => {
  const worlds = new Map<string, World & { answer(call: Call): Promise<Answer> }>()
  const { port, close } = await serveCalls(
    async (name, call) => worlds.get(name)?.answer(call) ?? { code: 125, stderr: `there is no world ${name}\n` },
  )
  const bin = join(folder, 'bin')
  writeStandIns(bin, TOOLS, port)

  const world = (name: string): World => {
    const home = join(folder, name)
    for (const sub of ['tmp', 'project']) mkdirSync(join(home, sub), { recursive: true })
    const engine = createEngine()
    const clusters = new Map<string, Cluster>()
    const refused: string[] = []
    const living = new Map<number, string>()
    const holds = createHolds(name)
    const perform = (call: Call): Promise<Answer> => {
      if (call.tool === 'docker') return docker(engine, (node) => clusters.get(node.labels['io.x-k8s.kind.cluster'] ?? ''), call)
      if (call.tool === 'kind') return kind(engine, clusters, call)
      if (call.tool === 'kubectl') return kubectl(clusters, (what) => void refused.push(what), call)
      return call.tool === 'oras' ? oras(engine, call) : flux(call)
    }
    const answer = async (call: Call): Promise<Answer> => {
      living.set(call.pid, `${call.tool} ${call.args.join(' ')}`)
      void call.gone.then(() => living.delete(call.pid))
      try {
        return await holds.around(call, perform)
      } catch (error) {
        refused.push(error instanceof Unknown ? error.message : String((error as Error).stack))
        return { code: 125, stderr: `${(error as Error).message}\n` }
      }
    }
    const made = {
      name,
      folder: home,
      engine,
      clusters,
      refused,
      answer,
      boundaries: holds.seen,
      hold: holds.hold,
      fail: holds.fail,
      living: () => [...living.values()],
      env: {
        PATH: [bin, '/usr/bin', '/bin'].join(delimiter),
        HOME: home,
        TMPDIR: join(home, 'tmp'),
        MACHINE_WORLD: name,
        XDG_CACHE_HOME: join(home, 'cache'),
        XDG_CONFIG_HOME: join(home, 'config'),
        XDG_STATE_HOME: join(home, 'state'),
        DOCKER_CONFIG: join(home, 'docker'),
        KUBECONFIG: join(home, 'kubeconfig'),
      },
      end: () => {
        engine.end()
        for (const cluster of clusters.values()) cluster.end()
        worlds.delete(name)
      },
    }
    worlds.set(name, made)
    return made
  }
  return {
    world,
    close: () => {
      for (const it of worlds.values()) it.end()
      close()
    },
  }
}
