import type { Context } from '../base/context.ts'
import { KsailError } from '../base/errors.ts'
import { dockerLogin } from './docker-config.ts'

/** Who a registry is told we are, and who said so. `docker` logins stay in Docker's own configuration: the child reads them there. */
export type Credentials =
  | { readonly source: 'setting' | 'cluster'; readonly username: string; readonly password: string }
  | {
      readonly source: 'docker'
      readonly username: string
      /** Only where the child would not find it by itself. */ readonly password?: string
    }
  | { readonly source: 'anonymous'; readonly username: '' }

export interface ConfiguredCredentials {
  /** `host[:port]` that they are for. */
  readonly host: string
  readonly username: string
  readonly password: string
}

export interface CredentialSources {
  /** Of the winning registry setting. */
  readonly setting?: ConfiguredCredentials | undefined
  /** The pull secret of the cluster; asked only when nobody else answers. */
  readonly cluster?: (() => Promise<(ConfiguredCredentials & { readonly pullOnly?: boolean | undefined }) | undefined>) | undefined
  /** `docker login`; false where a look is not worth a file access. */
  readonly docker?: boolean | undefined
}

const incomplete = (host: string, source: 'setting' | 'docker' | 'cluster'): KsailError =>
  new KsailError(
    'unresolved',
    `the credentials for ${host} lack a user or a password (${{ setting: 'registry setting', docker: 'docker login', cluster: 'secret of the cluster' }[source]})`,
    {
      reason: 'credentials-incomplete',
      hint: source === 'docker' ? `run docker login ${host}` : 'give both, as user:password',
      details: [],
    },
  )

const whole = (
  ctx: Context,
  { host, username, password }: ConfiguredCredentials,
  source: 'setting' | 'cluster',
): Credentials | undefined => {
  if (username === '' && password === '') return undefined
  if (username === '' || password === '') throw incomplete(host, source)
  ctx.secrets.add(password)
  ctx.secrets.add(Buffer.from(`${username}:${password}`).toString('base64'))
  return { source, username, password }
}

/**
 * The credentials for `host[:port]`: the setting's own, then `docker login`, then the cluster's pull secret, then none. What is for one host
 * is never sent to another.
 *
 * @example
 * const { source } = await resolveCredentials(ctx, 'ghcr.io', { docker: true })
 */
export const resolveCredentials = async (
  ctx: Context,
  host: string,
  { setting, cluster, docker = true }: CredentialSources,
): Promise<Credentials> => {
  if (setting?.host === host) {
    const found = whole(ctx, setting, 'setting')
    if (found !== undefined) return found
  }
  const login = docker ? await dockerLogin(ctx, host) : undefined
  if (login !== undefined) {
    if ('incomplete' in login) throw incomplete(host, 'docker')
    // a registry may repeat in its answer what it was sent, which is the base64 of both
    const known =
      'identityToken' in login
        ? [login.identityToken]
        : [login.password, Buffer.from(`${login.username}:${login.password}`).toString('base64')]
    for (const secret of known) ctx.secrets.add(secret)
    if ('identityToken' in login) return { source: 'docker', username: '<token>' }
    const { username, password } = login
    return { source: 'docker', username, ...(login.overlooked === true ? { password } : {}) }
  }
  const secret = await cluster?.()
  if (secret?.host === host && secret.pullOnly !== true) {
    const found = whole(ctx, secret, 'cluster')
    if (found !== undefined) return found
  }
  return { source: 'anonymous', username: '' }
}
