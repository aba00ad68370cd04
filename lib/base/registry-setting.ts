import { redactSetting } from './redact.ts'
import { isLoopback, parseAuthority, parsePath, splitDigest, wrong } from './reference.ts'
import type { Registry } from './target.ts'

const HINT = 'write it as [user:password@]host[:port][/path[:tag]]'

/**
 * Reads `[user[:pass]@]host[:port][/path[:tag]]`, placeholders expanded already; undefined for blanks. A loopback host without a port gets 5050.
 * Throws `usage` with the part that is wrong as reason; no message holds the password.
 *
 * @example
 * parseRegistrySetting('user:pass@ghcr.io/org/app')
 */
export const parseRegistrySetting = (text: string): Registry | undefined => {
  const trimmed = text.trim()
  if (trimmed === '') return undefined
  const shown = redactSetting(trimmed)
  const bare = trimmed.replace(/^oci:\/\//, '')
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(bare)) throw wrong(shown, 'scheme', 'a registry has no scheme but oci://', HINT)
  const { rest, digest } = splitDigest(bare, shown)
  if (digest !== undefined) throw wrong(shown, 'digest-target', 'a digest is not something to push to', 'name a tag instead')
  const at = rest.lastIndexOf('@')
  const login = at < 0 ? '' : rest.slice(0, at)
  const colon = login.indexOf(':')
  const username = colon < 0 ? login : login.slice(0, colon)
  const password = colon < 0 ? '' : login.slice(colon + 1)
  if (/[\0\r\n]/.test(login))
    throw wrong(`${hostOf(rest)}`, 'credentials', 'user and password must not hold line breaks', 'remove the line break from the variable')
  const address = rest.slice(at + 1)
  const slash = address.indexOf('/')
  const where = parseAuthority(slash < 0 ? address : address.slice(0, slash), shown)
  const path = parsePath(slash < 0 ? '' : address.slice(slash + 1).replace(/\/$/, ''), shown)
  const external = !isLoopback(where.host)
  return { host: where.host, port: where.port ?? (external ? undefined : 5050), ...path, username, password, external }
}

const hostOf = (text: string): string => text.slice(text.lastIndexOf('@') + 1)
