import { readdir, readFile, realpath, rename, rm, stat, symlink } from 'node:fs/promises'
import { KsailError } from '../../base/errors.ts'
import type { Context } from '../../base/context.ts'
import { spawnDetached, type Detached } from '../../io/exec.ts'
import { readText, writeText } from '../../io/files.ts'
import { host } from '../../io/host.ts'
import { listProcesses, processGroups, startOf, type Groups } from '../../io/processes.ts'
import { inUnit, type Unit } from './unit.ts'

/** Every process is started by a link in the folder of its unit, so that its first word says whose it is: no other process can be taken for it. */
const linkOf = (unit: Unit, name: string): string => inUnit(unit, 'bin', name)
const pidFile = (unit: Unit, name: string): string => inUnit(unit, 'pid', `${name}.pid`)

export const logOf = (unit: Unit, name: string): string => inUnit(unit, 'log', `${name}.log`)

/** A log that has grown beyond this (bytes) is put aside at the next start. */
const LARGE = 10_000_000

const firstWord = async (ctx: Context, pid: number): Promise<string | undefined> => {
  if (ctx.platform === 'linux') return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')[0]
  const { stdout } = await ctx.exec('ps', ['-o', 'args=', '-p', String(pid)], { accept: 'any', timeout: 10_000, quiet: true })
  return stdout.trim()
}

/** HOME of a unit's processes. A script, such as the shims of version managers, loses its first word and keeps this one, also through `exec`. */
export const homeOf = (unit: Unit): string => inUnit(unit, 'tmp')

/** Whether a process has that HOME; where nobody tells of it, whether it runs in the folder of the unit. */
const livesIn = async (ctx: Context, pid: number, unit: Unit): Promise<boolean> => {
  if (ctx.platform === 'linux')
    return (await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')).split('\0').includes(`HOME=${homeOf(unit)}`)
  const asked = ctx.exec('lsof', ['-a', '-d', 'cwd', '-p', String(pid), '-Fn'], { accept: 'any', timeout: 10_000, quiet: true })
  // without lsof nobody tells
  const { stdout } = await asked.catch(() => ({ stdout: '' }))
  return stdout.split('\n').includes(`n${await realpath(unit.folder).catch(() => unit.folder)}`)
}

/** Whether a process is the one that the link starts. One that has ended and waits for its parent has no words any more. */
const isOurs = async (ctx: Context, pid: number, unit: Unit, name: string): Promise<boolean> => {
  const [word, link] = [await firstWord(ctx, pid), linkOf(unit, name)]
  if (word === link || (ctx.platform !== 'linux' && word?.startsWith(`${link} `) === true)) return true
  return word !== '' && word !== undefined && (await livesIn(ctx, pid, unit))
}

const recorded = async (unit: Unit, name: string): Promise<{ readonly pid: number; readonly started: string | undefined } | undefined> => {
  const [text, started] = ((await readText(pidFile(unit, name))) ?? '').trim().split(' ')
  const pid = Number(text)
  return Number.isInteger(pid) && pid > 0 ? { pid, started } : undefined
}

/** The process of a component, by its pid file, which names number and start time; undefined when it does not run. */
export const findProcess = async (ctx: Context, unit: Unit, name: string): Promise<number | undefined> => {
  const { pid, started } = (await recorded(unit, name)) ?? {}
  if (pid === undefined) return undefined
  if (started !== undefined && started !== ((await startOf(pid)) ?? started)) return undefined
  return (await isOurs(ctx, pid, unit, name)) ? pid : undefined
}

/** Every process of a unit, also those whose pid file is lost. Each leads a group: what a script has just forked has its words, and does not. */
const findProcesses = async (ctx: Context, unit: Unit): Promise<ReadonlyMap<string, number>> => {
  const prefix = inUnit(unit, 'bin/')
  const found = new Map<string, number>()
  let groups: Groups | undefined
  for (const { pid, argv } of await listProcesses(ctx)) {
    const words = argv.join(' ')
    // a script comes after its interpreter
    const script = argv.slice(1, 3).find((word) => word.startsWith(prefix))
    const name = words.startsWith(prefix) ? words.slice(prefix.length).split(' ')[0] : script?.slice(prefix.length)
    if (name === undefined || (script !== undefined && !(await livesIn(ctx, pid, unit)))) continue
    groups ??= await processGroups(ctx)
    if (groups.get(pid)?.includes(pid) === true) found.set(name, pid)
  }
  return found
}

/** What a script that is gone started: it is still in the group of its own. */
const findOrphans = async (ctx: Context, unit: Unit, names: readonly string[]): Promise<ReadonlyMap<string, number>> => {
  const found = new Map<string, number>()
  let groups: Groups | undefined
  for (const name of names) {
    const pid = (await recorded(unit, name))?.pid
    if (pid === undefined) continue
    groups ??= await processGroups(ctx)
    for (const member of groups.get(pid) ?? []) if (await livesIn(ctx, member, unit)) found.set(name, pid)
  }
  return found
}

const put = async (ctx: Context, unit: Unit, name: string, pid: number): Promise<void> =>
  writeText(pidFile(unit, name), `${pid} ${(await startOf(pid)) ?? ''}`.trim(), 0o600)

/** A process that runs although nobody remembers its number, as after a kill between its start and the writing of the number. */
export const refind = async (ctx: Context, unit: Unit, name: string): Promise<number | undefined> => {
  const known = await findProcess(ctx, unit, name)
  if (known !== undefined) return known
  const lost = (await findProcesses(ctx, unit)).get(name)
  if (lost !== undefined) await put(ctx, unit, name, lost)
  return lost
}

/** Starts a component's program; what it prints goes to its log. */
export const launch = async (
  ctx: Context,
  unit: Unit,
  name: string,
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Detached> => {
  const link = linkOf(unit, name)
  await rm(link, { force: true })
  await symlink(program, link)
  if (((await stat(logOf(unit, name)).catch(() => undefined))?.size ?? 0) > LARGE)
    await rename(logOf(unit, name), `${logOf(unit, name)}.old`)
  const started = spawnDetached(ctx, link, args, { cwd: unit.folder, env, log: logOf(unit, name) })
  if (started.pid > 0) await put(ctx, unit, name, started.pid)
  return started
}

/** Ends components with all that they started: SIGTERM, after `grace` ms SIGKILL, each signal only to what was found to be the one meant. */
export const endComponents = async (ctx: Context, unit: Unit, names: readonly string[], grace: number): Promise<void> => {
  const running = new Map([...(await findProcesses(ctx, unit))].filter(([name]) => names.includes(name)))
  // what a script turned into has no word of ours left, and is known by its number alone
  for (const name of names.filter((it) => !running.has(it))) {
    const pid = await findProcess(ctx, unit, name)
    if (pid !== undefined) running.set(name, pid)
  }
  const orphans = await findOrphans(
    ctx,
    unit,
    names.filter((it) => !running.has(it)),
  )
  // each leads a group of its own, whose number nobody else gets while one of them lives
  const ours = new Set([...running.values(), ...orphans.values()])
  const left = async (): Promise<readonly number[]> => {
    const groups = ours.size === 0 ? undefined : await processGroups(ctx)
    for (const group of ours) if (groups?.has(group) !== true) ours.delete(group)
    return [...ours]
  }
  const send = async (signal: NodeJS.Signals): Promise<void> => {
    for (const group of await left())
      try {
        host.kill(-group, signal)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
      }
  }
  const gone = async (limit: number): Promise<boolean> => {
    for (let waited = 0; waited < limit; waited += 20) {
      if ((await left()).length === 0) return true
      await ctx.sleep(20)
    }
    return (await left()).length === 0
  }
  if (grace > 0) await send('SIGTERM')
  if (!(await gone(grace))) {
    await send('SIGKILL')
    // on a machine that is out of memory or of processors even this takes a while
    if (!(await gone(20_000)))
      throw new KsailError('failed', `processes ${(await left()).join(', ')} of cluster ${unit.cluster} do not end`, {
        hint: 'look at them with ps, then run the command again',
      })
  }
  await Promise.all(names.map((name) => rm(pidFile(unit, name), { force: true })))
}

/** Ends what is left of a component whose own process is gone: it would hold its ports and its files. */
export const endOrphans = async (ctx: Context, unit: Unit, name: string): Promise<void> => {
  if ((await findOrphans(ctx, unit, [name])).size > 0) await endComponents(ctx, unit, [name], 4000)
}

/** Names of the components that a unit has, running or not. */
export const componentNames = async (unit: Unit): Promise<readonly string[]> => {
  const names = await readdir(inUnit(unit, 'components')).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [] as string[]
    throw error
  })
  return names.filter((name) => name.endsWith('.json') && !name.startsWith('.')).map((name) => name.slice(0, -'.json'.length))
}
