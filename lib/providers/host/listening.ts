import { readdir, readFile, readlink } from 'node:fs/promises'
import { isKsailError } from '../../base/errors.ts'
import type { Context } from '../../base/context.ts'
import { processGroups } from '../../io/processes.ts'

/** Sockets that listen on a TCP port, by inode. */
const socketsOn = async (port: number): Promise<ReadonlySet<string>> => {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'utf8').catch(() => '')))
  const rows = tables.flatMap((text) => text.split('\n').map((line) => line.trim().split(/\s+/)))
  return new Set(rows.filter(([, local, , state]) => state === '0A' && local?.endsWith(wanted)).map((words) => words[9] ?? ''))
}

/** The same question to lsof, which macOS has. Where nothing tells, an answer from the port has to do. */
const saysLsof = async (ctx: Pick<Context, 'exec'>, group: number, port: number): Promise<boolean> => {
  try {
    const { stdout } = await ctx.exec('lsof', ['-nP', '-a', '-g', String(group), `-iTCP:${port}`, '-sTCP:LISTEN', '-t'], {
      accept: 'any',
      timeout: 10_000,
      quiet: true,
    })
    return stdout.trim() !== ''
  } catch (error) {
    if (!isKsailError(error, 'tool')) throw error
    return true
  }
}

const holds = async (pid: number, sockets: ReadonlySet<string>): Promise<boolean> => {
  const own = await readdir(`/proc/${pid}/fd`).catch(() => [])
  const links = await Promise.all(own.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')))
  return links.some((link) => sockets.has(/^socket:\[(\d+)\]$/.exec(link)?.[1] ?? ''))
}

/**
 * Whether it is this process, or one that it started, that listens on a port: an answer from there may come from another program that was
 * faster, even from the registry of another cluster. Every process of ours leads a group, in which what it starts stays.
 */
export const listensOn = async (ctx: Pick<Context, 'platform' | 'exec'>, pid: number, port: number): Promise<boolean> => {
  if (ctx.platform !== 'linux') return saysLsof(ctx, pid, port)
  const sockets = await socketsOn(port)
  if (sockets.size === 0) return false
  if (await holds(pid, sockets)) return true
  for (const member of (await processGroups(ctx)).get(pid) ?? []) if (await holds(member, sockets)) return true
  return false
}
