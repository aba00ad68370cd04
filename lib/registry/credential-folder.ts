import { join } from 'node:path'
import { writeFile } from 'node:fs/promises'
import type { Context } from '../base/context.ts'
import { privateFolder } from '../io/private.ts'
import type { Credentials } from './credentials.ts'

const keyOf = (host: string): string =>
  ['docker.io', 'index.docker.io', 'registry-1.docker.io'].includes(host) ? 'https://index.docker.io/v1/' : host

/**
 * Lends credentials to children as a Docker configuration that only this user can read and that is gone afterwards. Logins of Docker and
 * nobody's need none: the child gets undefined and reads the user's own.
 */
export const withCredentials = async <T>(
  ctx: Context,
  host: string,
  credentials: Credentials,
  work: (config: string | undefined) => Promise<T>,
): Promise<T> => {
  if (credentials.source === 'anonymous' || credentials.password === undefined) return work(undefined)
  const folder = await privateFolder(ctx, 'login')
  try {
    const path = join(folder.path, 'config.json')
    const auth = Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')
    await writeFile(path, JSON.stringify({ auths: { [keyOf(host)]: { auth } } }), { mode: 0o600, flag: 'wx' })
    return await work(path)
  } finally {
    await folder.remove()
  }
}
