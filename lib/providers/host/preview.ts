import type { Context } from '../../base/context.ts'
import { isKsailError, KsailError } from '../../base/errors.ts'
import { formatCommand } from '../../io/exec.ts'
import { exists } from '../../io/files.ts'
import { isPortFree, refuseBarred } from '../../io/ports.ts'
import { componentOf, programOf, type ComponentName, type Ports } from './components.ts'
import type { ControlOptions } from './control.ts'
import { choosePorts, portsOf, type PortChoice } from './ports.ts'
import { findProcess } from './process.ts'
import { readFacts, type Unit } from './unit.ts'

export interface PreviewedComponent {
  readonly running: boolean
  readonly ports: Ports
  /** As it could be pasted. */
  readonly command: string
}

interface PreviewOptions extends PortChoice, ControlOptions {}

/** The command that would start a component, with the ports that it would get now. Starts and writes nothing. */
export const previewComponent = async (
  ctx: Context,
  unit: Unit,
  name: ComponentName,
  { workers, profile, only, from }: PreviewOptions,
): Promise<PreviewedComponent> => {
  const component = componentOf(name)
  const known = (await portsOf(unit, name)) ?? {}
  const made = await readFacts(unit)
  const stock = (profile ?? made?.profile) === 'stock'
  const pid = await findProcess(ctx, unit, name)
  const named = only !== undefined && !Object.values(known).includes(only)
  if (named) refuseBarred(only)
  if (named && !(await isPortFree(only)))
    throw new KsailError('conflict', `port ${only} is taken`, { reason: 'port', hint: 'free it, name another one, or leave the port away' })
  // a controller of Flux that runs in another profile starts anew
  const anew = component.groups !== undefined && stock !== (made?.profile === 'stock')
  const stays = pid !== undefined && !named && !anew
  const ports = stays ? known : await choosePorts(ctx, component.ports, known, { only: named ? only : undefined, from })
  const facts = { unit, ports, simulated: (workers ?? made?.workers ?? 0) > 0, stock }
  // a program that would be fetched first has no path yet
  const program = await ctx.locate(programOf(name)).catch((error: unknown) => {
    if (!isKsailError(error, 'tool')) throw error
    return name
  })
  const env = Object.entries(component.env?.(facts) ?? {}).map(([key, value]) => `${key}=${value}`)
  const line = formatCommand(program, component.args(facts))
  const end = pid !== undefined && anew ? [formatCommand('kill', [String(pid)]), '&&'] : []
  return { running: stays, ports, command: [...end, formatCommand('cd', [unit.folder]), '&&', ...env, line].join(' ') }
}

/** What would end components that run. */
export const previewEnd = async (ctx: Context, unit: Unit, names: readonly ComponentName[]): Promise<readonly string[]> => {
  const pids = (await Promise.all(names.map((name) => findProcess(ctx, unit, name)))).filter((pid) => pid !== undefined)
  return pids.length === 0 ? [] : [formatCommand('kill', pids.map(String))]
}

/** What would remove everything that a unit has. */
export const previewRemoval = async (unit: Unit): Promise<readonly string[]> =>
  (await exists(unit.folder)) ? [formatCommand('rm', ['-rf', unit.folder])] : []
