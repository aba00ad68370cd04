import { readFile } from 'node:fs/promises'
import { KsailError, lastLines } from '../../base/errors.ts'
import type { Context } from '../../base/context.ts'
import { answers } from '../../io/answers.ts'
import type { Detached } from '../../io/exec.ts'
import { makeFolder, readJson, writeJson } from '../../io/files.ts'
import { freePort, isPortFree } from '../../io/ports.ts'
import { componentOf, programOf, type ComponentName, type Ports } from './components.ts'
import { listensOn } from './listening.ts'
import { homeOf, launch, logOf, refind } from './process.ts'
import { inUnit, readFacts, type Unit } from './unit.ts'

/** Below the range from which systems take ports for outgoing connections: one of those would be taken while the cluster is stopped. */
const LOWEST = 20_000
const SPREAD = 10_000
/** How often a port may be taken between choosing and binding. */
const TRIES = 5
const PAUSE = 25
const LIMIT = 60_000

const portsPath = (unit: Unit, name: ComponentName): string => inUnit(unit, 'components', `${name}.json`)

/** The ports that a component has had; undefined when the unit has no such component. */
export const portsOf = async (unit: Unit, name: ComponentName): Promise<Ports | undefined> =>
  (await readJson<{ ports: Ports }>(portsPath(unit, name)))?.ports

export interface PortChoice {
  /** Where to look first; default a random port that systems do not hand out. */
  readonly from?: number | undefined
  /** Only this one will do. */
  readonly only?: number | undefined
}

/** Ports chosen in this moment by others of this process: nobody listens on them yet. */
const promised = new Set<number>()

/** Free ports for what a component listens on: those that it had, else others. */
export const choosePorts = async (ctx: Context, names: readonly string[], known: Ports, { from, only }: PortChoice): Promise<Ports> => {
  const isFree = async (port: number): Promise<boolean> => !promised.has(port) && (await isPortFree(port))
  const ports: Record<string, number> = {}
  for (const name of names) {
    const had = only ?? known[name]
    if (only !== undefined && !(await isPortFree(only)))
      throw new KsailError('conflict', `port ${only} is taken`, {
        reason: 'port',
        hint: 'free it, name another one, or leave the port away',
      })
    const port =
      had !== undefined && (await isPortFree(had)) ? had : await freePort(from ?? LOWEST + Math.floor(ctx.random() * SPREAD), isFree)
    if (port === undefined) throw new KsailError('conflict', 'no port of this machine is free', { hint: 'free one' })
    promised.add(port)
    ports[name] = port
  }
  return ports
}

/** What a process gets of our environment: how to reach the world, no secrets. */
const PASSED = [
  'PATH',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'TZ',
]

const environment = (ctx: Context, unit: Unit): Record<string, string> => ({
  ...Object.fromEntries(PASSED.flatMap((name) => (ctx.env[name] === undefined ? [] : [[name, ctx.env[name]]]))),
  HOME: homeOf(unit),
  TMPDIR: inUnit(unit, 'tmp'),
})

/** Milliseconds that a process has to say that it is ready. */
const ANSWER = 1000

/** Whether a component that runs says that it is ready. */
export const isReady = async (ctx: Context, unit: Unit, name: ComponentName): Promise<boolean> => {
  const { ready } = componentOf(name)
  return ready === undefined || answers(ctx, `http://127.0.0.1:${(await portsOf(unit, name))?.[ready.port]}${ready.path}`, ANSWER)
}

interface Said {
  readonly portTaken: boolean
  readonly words: readonly string[]
}

/** The last words of a component since a moment of its log. */
const said = async (unit: Unit, name: ComponentName, from: number): Promise<Said> => {
  const text = (await readFile(logOf(unit, name)).catch(() => Buffer.alloc(0))).subarray(from).toString('utf8')
  return { portTaken: /address already in use/i.test(text), words: lastLines(text, 15) }
}

const lengthOf = async (unit: Unit, name: ComponentName): Promise<number> =>
  (await readFile(logOf(unit, name)).catch(() => Buffer.alloc(0))).length

export interface EnsureOptions extends PortChoice {
  /** Tells from outside whether it is ready, where its row does not say how. */
  readonly ready?: ((ports: Ports) => Promise<boolean>) | undefined
  /** Called with the chosen ports before the process starts. */
  readonly prepare?: ((ports: Ports) => Promise<void>) | undefined
}

export interface Ensured {
  readonly ports: Ports
  readonly started: boolean
  /** Settles when it is ready; rejects when it ends before. */
  readonly ready: Promise<Ports>
  /** Rejects when a process that this call started ends while we run; never settles otherwise. */
  readonly lost: Promise<never>
}

const NEVER = new Promise<never>(() => undefined)

/**
 * A component that runs: found, or started. What listened on its ports before is looked for elsewhere, also when a port is taken between
 * choosing and binding, which only shows when the process ends with that complaint.
 */
export const ensureComponent = async (ctx: Context, unit: Unit, name: ComponentName, options: EnsureOptions = {}): Promise<Ensured> => {
  const component = componentOf(name)
  const known = (await portsOf(unit, name)) ?? {}
  const check = async (ports: Ports, pid: number): Promise<boolean> => {
    for (const port of Object.values(ports)) if (!(await listensOn(ctx, pid, port))) return false
    return options.ready === undefined ? isReady(ctx, unit, name) : options.ready(ports)
  }
  const begin = async (had: Ports): Promise<{ ports: Ports; child: Detached; from: number }> => {
    const program = await ctx.locate(programOf(name))
    const ports = await choosePorts(ctx, component.ports, had, options)
    await writeJson(portsPath(unit, name), { ports }, 0o600)
    for (const folder of component.folders ?? []) await makeFolder(inUnit(unit, folder), 0o700)
    await options.prepare?.(ports)
    const { workers = 0, profile } = (await readFacts(unit)) ?? {}
    const facts = { unit, ports, simulated: workers > 0, stock: profile === 'stock' }
    const from = await lengthOf(unit, name)
    return {
      ports,
      from,
      child: await launch(ctx, unit, name, program, component.args(facts), { ...environment(ctx, unit), ...component.env?.(facts) }),
    }
  }
  const wait = async (ports: Ports, pid: number, ended: () => Promise<string | undefined>): Promise<string | undefined> => {
    const start = ctx.now()
    for (;;) {
      if (await check(ports, pid)) return undefined
      const why = await ended()
      if (why !== undefined) return why
      if (ctx.now() - start > LIMIT)
        throw new KsailError('timeout', `${name} of cluster ${unit.cluster} does not get ready`, {
          details: (await said(unit, name, 0)).words,
          hint: `look at ${logOf(unit, name)}`,
        })
      await ctx.sleep(PAUSE)
    }
  }
  const running = await refind(ctx, unit, name)
  if (running !== undefined) {
    const lost = async (): Promise<string | undefined> => ((await refind(ctx, unit, name)) === undefined ? 'it ended' : undefined)
    const ready = wait(known, running, lost).then((why) => {
      if (why !== undefined)
        throw new KsailError('failed', `${name} of cluster ${unit.cluster} has ended`, { hint: 'run the command again' })
      return known
    })
    ready.catch(() => undefined)
    return { ports: known, started: false, ready, lost: NEVER }
  }
  const first = await begin(known)
  const run = async (): Promise<Ports> => {
    let it = first
    for (let tried = 1; ; tried++) {
      let end: string | undefined
      it.child.ended.then(
        ({ why }) => void (end = why),
        () => undefined,
      )
      const why = await wait(it.ports, it.child.pid, async () => end)
      if (why === undefined) return it.ports
      const { portTaken, words } = await said(unit, name, it.from)
      if (!portTaken || tried >= TRIES || options.only !== undefined)
        throw new KsailError(portTaken ? 'conflict' : 'failed', `${name} of cluster ${unit.cluster} has ended: ${why}`, {
          details: words,
          hint: `look at ${logOf(unit, name)}`,
        })
      ctx.report({ kind: 'note', text: `a port of ${name} was taken before it could listen there: trying another one` })
      it = await begin({})
    }
  }
  const ready = run()
  ready.catch(() => undefined)
  const lost = first.child.ended.then(async ({ why }): Promise<never> => {
    throw new KsailError('failed', `${name} of cluster ${unit.cluster} has ended: ${why}`, {
      details: (await said(unit, name, first.from)).words,
      hint: `look at ${logOf(unit, name)}`,
    })
  })
  lost.catch(() => undefined)
  return { ports: first.ports, started: true, ready, lost: component.ports.length === 0 ? lost : NEVER }
}
