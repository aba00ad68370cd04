import { KsailError } from '../../base/errors.ts'
import type { Context } from '../../base/context.ts'
import { formatSeconds } from '../../base/duration.ts'
import { telling } from '../../base/events.ts'
import type { Detached } from '../../io/exec.ts'
import { makeFolder, writeJson } from '../../io/files.ts'
import { isPortFree } from '../../io/ports.ts'
import { isHalted } from '../../io/processes.ts'
import { endedError, lengthOf, said } from './complaint.ts'
import { componentOf, programOf, type ComponentName, type Ports } from './components.ts'
import { listensOn } from './listening.ts'
import { isOver, type Patience } from './patience.ts'
import { choosePorts, portsOf, portsPath, type PortChoice } from './ports.ts'
import { endComponents, endOrphans, homeOf, launch, refind } from './process.ts'
import { isReady, troubleOf } from './readiness.ts'
import { inUnit, readFacts, type Unit } from './unit.ts'

/** How often a port may be taken between choosing and binding. */
const TRIES = 5
const PAUSE = 25

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
export interface EnsureOptions extends PortChoice, Patience {
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

const ensure = async (ctx: Context, unit: Unit, name: ComponentName, options: EnsureOptions): Promise<Ensured> => {
  const component = componentOf(name)
  const known = (await portsOf(unit, name)) ?? {}
  const check = async (ports: Ports, pid: number): Promise<boolean> => {
    for (const port of Object.values(ports)) if (!(await listensOn(ctx, pid, port))) return false
    return options.ready === undefined ? isReady(ctx, unit, name, { pid, limit: ANSWER }) : options.ready(ports)
  }
  const begin = async (had: Ports): Promise<{ ports: Ports; child: Detached; from: number }> => {
    const program = await ctx.locate(programOf(name))
    await endOrphans(ctx, unit, name)
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
  const start = ctx.now()
  const wait = async (ports: Ports, pid: number, ended: () => Promise<string | undefined>): Promise<string | undefined> => {
    for (;;) {
      if (await check(ports, pid)) return undefined
      const why = await ended()
      if (why !== undefined) return why
      if (isOver(ctx, options))
        throw new KsailError('timeout', `${name} of cluster ${unit.cluster} is not ready after ${formatSeconds(ctx.now() - start)}`, {
          // what one that is halted said before means nothing
          details: (await isHalted(ctx, pid)) ? [] : (await said(unit, name, 0)).words.slice(-5),
          hint: `process ${pid} ${await blocked(ports, pid)}`,
        })
      await ctx.sleep(PAUSE)
    }
  }
  const blocked = async (ports: Ports, pid: number): Promise<string> => {
    for (const port of Object.values(ports))
      if (!(await isPortFree(port)) && !(await listensOn(ctx, pid, port)))
        return `does not listen on port ${port}, another process does: a script must exec its program, or keep it in its process group`
    return troubleOf(ctx, unit, name, pid)
  }
  const tellingWait: typeof wait = (ports, pid, ended) =>
    telling(
      ctx,
      async () => `waiting for ${name} of cluster ${unit.cluster}: process ${pid} ${await troubleOf(ctx, unit, name, pid)}`,
      wait(ports, pid, ended),
    )
  const found = await refind(ctx, unit, name)
  // one whose ports nobody knows any more cannot be asked
  const lostPorts = component.ports.some((port) => known[port] === undefined)
  if (found !== undefined && lostPorts) await endComponents(ctx, unit, [name], 4000)
  const running = lostPorts ? undefined : found
  if (running !== undefined) {
    const lost = async (): Promise<string | undefined> => ((await refind(ctx, unit, name)) === undefined ? 'it ended' : undefined)
    const ready = tellingWait(known, running, lost).then(async (why) => {
      if (why !== undefined) throw await endedError(unit, name)
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
      const why = await tellingWait(it.ports, it.child.pid, async () => end)
      if (why === undefined) return it.ports
      const { portTaken } = await said(unit, name, it.from)
      if (!portTaken || tried >= TRIES || options.only !== undefined)
        throw await endedError(unit, name, { why, from: it.from, code: portTaken ? 'conflict' : 'failed' })
      ctx.report({ kind: 'note', text: `a port of ${name} was taken before it could listen there: trying another one` })
      it = await begin({})
    }
  }
  const ready = run()
  ready.catch(() => undefined)
  const lost = first.child.ended.then(async ({ why }): Promise<never> => {
    throw await endedError(unit, name, { why, from: first.from })
  })
  lost.catch(() => undefined)
  return { ports: first.ports, started: true, ready, lost: component.ports.length === 0 ? lost : NEVER }
}

/** Components that get ready at this moment, by their folder and name. */
const starting = new Map<string, Promise<Ensured>>()

/**
 * A component that runs: found, or started. What listened on its ports before is looked for elsewhere, also when a port is taken between
 * choosing and binding, which only shows when the process ends with that complaint. Who wants one that another part of this process starts
 * already gets the same: both would find none and start one.
 */
export const ensureComponent = (ctx: Context, unit: Unit, name: ComponentName, options: EnsureOptions): Promise<Ensured> => {
  const key = portsPath(unit, name)
  const begun = starting.get(key)
  if (begun !== undefined) return begun
  const ensured = ensure(ctx, unit, name, options)
  starting.set(key, ensured)
  const over = (): void => void starting.delete(key)
  ensured.then(({ ready }) => ready.then(over, over), over)
  return ensured
}
