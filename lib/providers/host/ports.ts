import { KsailError } from '../../base/errors.ts'
import type { Context } from '../../base/context.ts'
import { readJson } from '../../io/files.ts'
import { freePort, isPortFree } from '../../io/ports.ts'
import type { ComponentName, Ports } from './components.ts'
import { inUnit, type Unit } from './unit.ts'

/** Below the range from which systems take ports for outgoing connections: one of those would be taken while the cluster is stopped. */
const LOWEST = 20_000
const SPREAD = 10_000

/** Where the ports of a component are remembered. */
export const portsPath = (unit: Unit, name: ComponentName): string => inUnit(unit, 'components', `${name}.json`)

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
