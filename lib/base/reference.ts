import { KsailError } from './errors.ts'

/** Where an artifact lives. */
export interface Reference {
  /** Lower case; IPv6 without brackets. */
  readonly host: string
  /** undefined: the protocol's own. */
  readonly port: number | undefined
  readonly repository: string
  readonly tag: string | undefined
  readonly digest: string | undefined
}

/** `localhost`, `*.localhost`, 127.0.0.0/8 and `::1`: the hosts that plain HTTP goes to without being asked for. */
export const isLoopback = (host: string): boolean => {
  const name = host.toLowerCase()
  return name === 'localhost' || name.endsWith('.localhost') || name === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name)
}

/** Whether a host may be spoken to without TLS. `marked`: the user said so. */
export const usesPlainHttp = (host: string, marked: boolean): boolean => marked || isLoopback(host)

export const hostPort = ({ host, port }: Pick<Reference, 'host' | 'port'>): string =>
  `${host.includes(':') ? `[${host}]` : host}${port === undefined ? '' : `:${port}`}`

/** `host[:port]/repository[:tag][@digest]`, as programs other than ksail want it. */
export const imageOf = (reference: Reference): string =>
  `${hostPort(reference)}${reference.repository && `/${reference.repository}`}${reference.tag === undefined ? '' : `:${reference.tag}`}${reference.digest === undefined ? '' : `@${reference.digest}`}`

/** The inverse of parseReference. */
export const formatReference = (reference: Reference): string => `oci://${imageOf(reference)}`

const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/
/** Characters of a repository that registries take; longer ones they call an error of their own. */
const LONGEST = 255
const SEGMENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/

/** What is wrong with a text, told by one word. */
export const wrong = (text: string, reason: string, message: string, hint?: string): KsailError =>
  new KsailError('usage', `"${text}": ${message}`, { reason, hint: hint ?? 'write it as oci://host[:port]/repository[:tag]' })

export const isTag = (text: string): boolean => TAG.test(text)

/** Takes a digest off the end. */
export const splitDigest = (text: string, shown: string): { readonly rest: string; readonly digest: string | undefined } => {
  const match = /@(sha256|sha512):([^@/]*)$/.exec(text)
  if (match === null) return { rest: text, digest: undefined }
  if (!new RegExp(`^[0-9a-f]{${match[1] === 'sha256' ? 64 : 128}}$`).test(match[2]!))
    throw wrong(shown, 'digest', `"${match[0].slice(1)}" is not a digest`)
  return { rest: text.slice(0, match.index), digest: match[0].slice(1) }
}

/** `host[:port]` into its parts. */
export const parseAuthority = (authority: string, shown: string): Pick<Reference, 'host' | 'port'> => {
  const match = /^(?:\[([0-9A-Fa-f:.%]+)\]|([A-Za-z0-9._-]+))(?::(.*))?$/s.exec(authority)
  if (match === null)
    throw wrong(shown, 'host', authority === '' || authority.startsWith(':') ? 'the host is missing' : `"${authority}" is not a host`)
  const port = match[3]
  if (port !== undefined && (!/^\d+$/.test(port) || Number(port) < 1 || Number(port) > 65535))
    throw wrong(shown, 'port', `"${port}" is not a port`, 'use a number from 1 to 65535')
  return { host: (match[1] ?? match[2]!).toLowerCase(), port: port === undefined ? undefined : Number(port) }
}

/** `repository[:tag]` into its parts; the repository may be empty. */
export const parsePath = (path: string, shown: string): Pick<Reference, 'repository' | 'tag'> => {
  const colon = path.indexOf(':', path.lastIndexOf('/') + 1)
  const last = colon < 0 ? -1 : path.lastIndexOf(':')
  const tag = last < 0 ? undefined : path.slice(last + 1)
  if (tag !== undefined && !TAG.test(tag))
    throw wrong(shown, 'tag', `"${tag}" is not a tag`, 'use letters, digits, ., _ and -, at most 128')
  const repository = (last < 0 ? path : path.slice(0, last)).toLowerCase()
  if (repository !== '' && !repository.split('/').every((segment) => SEGMENT.test(segment)))
    throw wrong(shown, 'repository', `"${repository}" is not a repository`)
  if (repository.length > LONGEST)
    throw wrong(shown, 'repository', `the repository has ${repository.length} characters`, `use at most ${LONGEST}`)
  return { repository, tag }
}

/**
 * Reads `oci://host[:port]/repository[:tag][@digest]`; undefined for blanks. A digest is fine where something is read, not as what a push writes to.
 * Throws `usage` with the part that is wrong as reason.
 *
 * @example
 * parseReference('oci://ghcr.io/org/app:v1', 'push')
 */
export const parseReference = (text: string, use: 'push' | 'read'): Reference | undefined => {
  const shown = text.trim()
  if (shown === '') return undefined
  if (!shown.startsWith('oci://')) throw wrong(shown, 'scheme', 'a reference begins with oci://')
  const { rest, digest } = splitDigest(shown.slice('oci://'.length), shown)
  const slash = rest.indexOf('/')
  const authority = slash < 0 ? rest : rest.slice(0, slash)
  if (authority.includes('@'))
    throw new KsailError('usage', 'a reference must not hold credentials: they would stay in the history of the shell', {
      reason: 'userinfo',
      hint: 'use docker login, or spec.cluster.localRegistry with placeholders',
    })
  const where = parseAuthority(authority, shown)
  const path = parsePath(slash < 0 ? '' : rest.slice(slash + 1), shown)
  if (path.repository === '') throw wrong(shown, 'repository', 'the repository is missing')
  if (digest !== undefined && use === 'push')
    throw wrong(shown, 'digest-target', 'a digest is not something to push to', 'name a tag instead')
  return { ...where, ...path, digest }
}

/** The URL of a resource in the cluster: the scheme and the repository may be missing. */
export const parseClusterUrl = (url: string): Pick<Reference, 'host' | 'port' | 'repository'> => {
  const rest = url.trim().replace(/^oci:\/\//, '')
  const slash = rest.indexOf('/')
  return {
    ...parseAuthority(slash < 0 ? rest : rest.slice(0, slash), url),
    repository: slash < 0 ? '' : rest.slice(slash + 1).replace(/\/$/, ''),
  }
}
