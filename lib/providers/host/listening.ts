import { readdir, readFile, readlink } from 'node:fs/promises'
import type { Context } from '../../base/context.ts'

/** Sockets that listen on a TCP port, by inode. */
const socketsOn = async (port: number): Promise<ReadonlySet<string>> => {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'utf8').catch(() => '')))
  const rows = tables.flatMap((text) => text.split('\n').map((line) => line.trim().split(/\s+/)))
  return new Set(rows.filter(([, local, , state]) => state === '0A' && local?.endsWith(wanted)).map((words) => words[9] ?? ''))
}

/**
 * Whether it is this process that listens on a port: an answer from there may come from another program that was faster, even from the
 * registry of another cluster. Where the system does not tell, an answer has to do.
 */
export const listensOn = async (ctx: Pick<Context, 'platform'>, pid: number, port: number): Promise<boolean> => {
  if (ctx.platform !== 'linux') return true
  const sockets = await socketsOn(port)
  if (sockets.size === 0) return false
  const own = await readdir(`/proc/${pid}/fd`).catch(() => [])
  const links = await Promise.all(own.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')))
  return links.some((link) => sockets.has(/^socket:\[(\d+)\]$/.exec(link)?.[1] ?? ''))
}
