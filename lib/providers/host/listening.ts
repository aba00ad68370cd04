import { readdir, readFile, readlink } from 'node:fs/promises'
import { isKsailError } from '../../base/errors.ts'
import type { Context } from '../../base/context.ts'

/** Sockets that listen on a TCP port, by inode. */
const socketsOn = async (port: number): Promise<ReadonlySet<string>> => {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'utf8').catch(() => '')))
  const rows = tables.flatMap((text) => text.split('\n').map((line) => line.trim().split(/\s+/)))
  return new Set(rows.filter(([, local, , state]) => state === '0A' && local?.endsWith(wanted)).map((words) => words[9] ?? ''))
}

/** The same question to lsof, which macOS has. Where nothing tells, an answer from the port has to do. */
const saysLsof = async (ctx: Pick<Context, 'exec'>, pid: number, port: number): Promise<boolean> => {
  try {
    const { stdout } = await ctx.exec('lsof', ['-nP', '-a', '-p', String(pid), `-iTCP:${port}`, '-sTCP:LISTEN', '-t'], {
      accept: 'any',
      timeout: 10_000,
      quiet: true,
    })
    return stdout.trim() === String(pid)
  } catch (error) {
    if (!isKsailError(error, 'tool')) throw error
    return true
  }
}

/**
 * Whether it is this process that listens on a port: an answer from there may come from another program that was faster, even from the
 * registry of another cluster.
 */
export const listensOn = async (ctx: Pick<Context, 'platform' | 'exec'>, pid: number, port: number): Promise<boolean> => {
  if (ctx.platform !== 'linux') return saysLsof(ctx, pid, port)
  const sockets = await socketsOn(port)
  if (sockets.size === 0) return false
  const own = await readdir(`/proc/${pid}/fd`).catch(() => [])
  const links = await Promise.all(own.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')))
  return links.some((link) => sockets.has(/^socket:\[(\d+)\]$/.exec(link)?.[1] ?? ''))
}
