import type { Context } from '../../base/context.ts'
import { answers, socketAnswers } from '../../io/answers.ts'
import { isHalted } from '../../io/processes.ts'
import { componentOf, type ComponentName } from './components.ts'
import { portsOf } from './ports.ts'
import { logOf } from './process.ts'
import { inUnit, type Unit } from './unit.ts'

/** Paths of sockets end at 104 bytes on macOS. */
const LONGEST_SOCKET = 103

/** By the folder that the process is in the path stays short; where that does not help nobody can ask, and it is taken to answer. */
const answersOn = async (
  ctx: Context,
  unit: Unit,
  socket: string,
  { pid, path, limit }: Asked & { readonly path: string },
): Promise<boolean> => {
  const place = ctx.platform === 'linux' ? `/proc/${pid}/cwd/${socket}` : inUnit(unit, socket)
  return Buffer.byteLength(place) > LONGEST_SOCKET || socketAnswers(place, path, limit)
}

interface Asked {
  readonly pid: number
  readonly limit: number
}

/** Whether a component that runs says that it is ready. */
export const isReady = async (ctx: Context, unit: Unit, name: ComponentName, { pid, limit }: Asked): Promise<boolean> => {
  const { ready } = componentOf(name)
  if (ready === undefined) return !(await isHalted(ctx, pid))
  if ('socket' in ready) return answersOn(ctx, unit, ready.socket, { pid, path: ready.path, limit })
  return answers(ctx, `http://127.0.0.1:${(await portsOf(unit, name))?.[ready.port]}${ready.path}`, limit)
}

/** What keeps a component that runs from being ready, as far as it can be seen, and what to do. */
export const troubleOf = async (ctx: Context, unit: Unit, name: string, pid: number): Promise<string> =>
  (await isHalted(ctx, pid)) ? `is halted by a signal: kill -CONT ${pid} lets it go on` : `is not ready: look at ${logOf(unit, name)}`
