import { readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import type { Context } from '../base/context.ts'
import { host } from './host.ts'

export interface Process {
  readonly pid: number
  readonly argv: readonly string[]
}

/** Every process of this machine that we may see, with its words. Linux: /proc; elsewhere `ps`, which joins the words by blanks. */
export const listProcesses = async (ctx: Context): Promise<readonly Process[]> => {
  if (ctx.platform !== 'linux') {
    const { stdout } = await ctx.exec('ps', ['-axo', 'pid=,args='], { timeout: 10_000, quiet: true })
    return stdout.split('\n').flatMap((line) => {
      const [pid, ...argv] = line.trim().split(/\s+/)
      return pid ? [{ pid: Number(pid), argv }] : []
    })
  }
  // one after the other: each would hold a file open, and a machine may have more processes than a process may open files
  return (await pidsOf()).flatMap((pid) => {
    const argv = wordsOf(pid)
    return argv.length === 0 ? [] : [{ pid, argv }]
  })
}

const pidsOf = async (): Promise<readonly number[]> => (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)

const wordsOf = (pid: number): readonly string[] => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      .split('\0')
      .filter((word) => word !== '')
  } catch {
    // it ended between the listing and the reading
    return []
  }
}

/** Whether a process runs. One that has ended and waits for its parent to ask (as below an init that never does) does not. */
export const isAlive = (pid: number): boolean => {
  try {
    host.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  return stateOf(pid) !== 'Z'
}

/** What Linux says of a process after its name, as `S 1 1234 …`; empty elsewhere, and when there is none. */
const factsOf = (pid: number): readonly string[] => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return []
  }
}

/** The letter of Linux for what a process does; undefined elsewhere. */
const stateOf = (pid: number): string | undefined => factsOf(pid)[0]

/** Numbers of processes by that of the group that they are in. */
export type Groups = ReadonlyMap<number, readonly number[]>

/** Every group of this machine; who has ended and waits for its parent is in none. */
export const processGroups = async (ctx: Pick<Context, 'platform' | 'exec'>): Promise<Groups> => {
  const rows =
    ctx.platform === 'linux'
      ? (await pidsOf()).map((pid) => {
          const { 0: state, 2: group, 17: threads } = factsOf(pid)
          // the first thread may be gone before the others, which still hold files and ports
          return [String(pid), group, Number(threads) > 1 ? '' : state]
        })
      : (await ctx.exec('ps', ['-axo', 'pid=,pgid=,stat='], { timeout: 10_000, quiet: true })).stdout
          .split('\n')
          .map((line) => line.trim().split(/\s+/))
  const groups = new Map<number, number[]>()
  for (const [pid, group, state] of rows)
    if (group !== undefined && state?.startsWith('Z') !== true)
      groups.set(Number(group), [...(groups.get(Number(group)) ?? []), Number(pid)])
  return groups
}

/** Whether a process was halted, as by SIGSTOP: it is there and does nothing. */
export const isHalted = async (ctx: Pick<Context, 'platform' | 'exec'>, pid: number): Promise<boolean> => {
  if (ctx.platform === 'linux') return stateOf(pid)?.toUpperCase() === 'T'
  const { stdout } = await ctx.exec('ps', ['-o', 'stat=', '-p', String(pid)], { accept: 'any', timeout: 10_000, quiet: true })
  return stdout.startsWith('T')
}

/** What tells a process from a later one with the same number: its start time, where the system says it. */
export const startOf = async (pid: number): Promise<string | undefined> => {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')[19]
}

/** Ends processes: SIGTERM, SIGKILL after `grace` ms for those that stay. */
export const endProcesses = async (ctx: Context, pids: readonly number[], grace = 5000): Promise<void> => {
  const send = (signal: NodeJS.Signals): void => {
    for (const pid of pids)
      try {
        host.kill(pid, signal)
      } catch {
        // it is gone already
      }
  }
  send('SIGTERM')
  for (let waited = 0; waited < grace && pids.some(isAlive); waited += 50) await ctx.sleep(50)
  if (pids.some(isAlive)) send('SIGKILL')
}
