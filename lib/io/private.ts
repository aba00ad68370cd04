import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Context } from '../base/context.ts'
import { makeFolder } from './files.ts'
import { stateFolder } from './folders.ts'
import { host } from './host.ts'
import { endProcesses, isAlive, listProcesses } from './processes.ts'

/** Unix socket paths end at 104 bytes on macOS and 108 on Linux; the rest is for the socket's own name. */
const LONGEST = 90

export interface PrivateFolder {
  readonly path: string
  remove(): Promise<void>
}

interface PrivateOptions {
  /** For unix sockets: falls back to the machine's temporary folder when the path would be too long for one. */
  readonly short?: boolean | undefined
}

/**
 * Removes what runs left behind that were killed before they could clean up: folders named after a process that is no more. Programs that
 * work for such a folder, as `kubectl proxy` on a socket in it, would never end by themselves.
 */
const sweep = async (ctx: Context, parent: string, pattern: RegExp): Promise<void> => {
  const names = await readdir(parent).catch(() => [])
  const left = names.filter((name) => pattern.test(name) && !isAlive(Number(pattern.exec(name)?.[1]))).map((name) => join(parent, name))
  if (left.length === 0) return
  const serving = (await listProcesses(ctx)).filter(({ argv }) => argv.some((word) => left.some((path) => word.includes(`${path}/`))))
  await endProcesses(
    ctx,
    serving.map(({ pid }) => pid),
  )
  // another run may sweep the same folder, and a folder of another user stays: neither is this command's failure
  await Promise.all(left.map((path) => rm(path, { recursive: true, force: true }).catch(() => undefined)))
}

const swept = new Set<string>()

/**
 * A folder that only this user can read, for secrets and sockets that live as long as the command. Those of runs that were killed are
 * removed by the next run that asks for one.
 *
 * @example
 * const folder = await privateFolder(ctx, 'kubeconfig')
 * try { await writeText(join(folder.path, 'config'), text, 0o600) } finally { await folder.remove() }
 */
export const privateFolder = async (ctx: Context, name: string, { short = false }: PrivateOptions = {}): Promise<PrivateFolder> => {
  const usual = join(stateFolder(ctx.env), 'run')
  const folder = `${host.pid}-${randomBytes(4).toString('hex')}-${name}`
  const tooLong = short && Buffer.byteLength(join(usual, folder)) > LONGEST
  const [parent, prefix] = tooLong ? [tmpdir(), 'ksail-'] : [usual, '']
  await makeFolder(parent, tooLong ? undefined : 0o700)
  if (!swept.has(parent)) {
    swept.add(parent)
    await sweep(ctx, parent, tooLong ? /^ksail-(\d+)-[0-9a-f]{8}-/ : /^(\d+)-[0-9a-f]{8}-/)
  }
  const path = join(parent, prefix + folder)
  await mkdir(path, { mode: 0o700 })
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}
