import type { Context } from '../../base/context.ts'
import { isKsailError, KsailError } from '../../base/errors.ts'
import { formatCommand } from '../../io/exec.ts'
import { exists } from '../../io/files.ts'
import { isPortFree, refuseBarred } from '../../io/ports.ts'
import { componentOf, programOf, type ComponentName, type Ports } from './components.ts'
import { choosePorts, portsOf, type PortChoice } from './ensure.ts'
import { findProcess } from './process.ts'
import { readFacts, type Unit } from './unit.ts'

export interface PreviewedComponent {
  readonly running: boolean
  readonly ports: Ports
  /** As it could be pasted. */
  readonly command: string
}

/** The command that would start a component, with the ports that it would get now. Starts and writes nothing. */
export const previewComponent = async (
  ctx: Context,
  unit: Unit,
  name: ComponentName,
  { workers, only, from }: PortChoice & { readonly workers?: number | undefined },
): Promise<PreviewedComponent> => {
  const component = componentOf(name)
  const known = (await portsOf(unit, name)) ?? {}
  const running = (await findProcess(ctx, unit, name)) !== undefined
  const named = only !== undefined && !Object.values(known).includes(only)
  if (named) refuseBarred(only)
  if (named && !(await isPortFree(only)))
    throw new KsailError('conflict', `port ${only} is taken`, { reason: 'port', hint: 'free it, name another one, or leave the port away' })
  const stays = running && !named
  const ports = stays ? known : await choosePorts(ctx, component.ports, known, { only: named ? only : undefined, from })
  const facts = { unit, ports, simulated: (workers ?? (await readFacts(unit))?.workers ?? 0) > 0 }
  // a program that would be fetched first has no path yet
  const program = await ctx.locate(programOf(name)).catch((error: unknown) => {
    if (!isKsailError(error, 'tool')) throw error
    return name
  })
  const env = Object.entries(component.env?.(facts) ?? {}).map(([key, value]) => `${key}=${value}`)
  const line = formatCommand(program, component.args(facts))
  return { running: stays, ports, command: [formatCommand('cd', [unit.folder]), '&&', ...env, line].join(' ') }
}

/** What would end components that run. */
export const previewEnd = async (ctx: Context, unit: Unit, names: readonly ComponentName[]): Promise<readonly string[]> => {
  const pids = (await Promise.all(names.map((name) => findProcess(ctx, unit, name)))).filter((pid) => pid !== undefined)
  return pids.length === 0 ? [] : [formatCommand('kill', pids.map(String))]
}

/** What would remove everything that a unit has. */
export const previewRemoval = async (unit: Unit): Promise<readonly string[]> =>
  (await exists(unit.folder)) ? [formatCommand('rm', ['-rf', unit.folder])] : []
