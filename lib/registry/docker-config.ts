import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Context } from '../base/context.ts'
import { KsailError } from '../base/errors.ts'
import { readText } from '../io/files.ts'
import { askHelper, type HelperAnswer } from '../tools/credential-helper.ts'

export type Login = { readonly username: string; readonly password: string } | { readonly identityToken: string }

interface Auth {
  readonly auth?: unknown
  readonly username?: unknown
  readonly password?: unknown
  readonly identitytoken?: unknown
}

export interface DockerConfig {
  readonly auths?: Readonly<Record<string, Auth>>
  readonly credHelpers?: Readonly<Record<string, string>>
  readonly credsStore?: string
}

const HUB = 'https://index.docker.io/v1/'
const isHub = (host: string): boolean => ['docker.io', 'index.docker.io', 'registry-1.docker.io'].includes(host)

const bareHost = (key: string): string => key.replace(/^https?:\/\//, '').replace(/\/.*$/, '')

/** The half of a login that is there tells more than none: somebody meant to log in. */
interface Half {
  readonly incomplete: true
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

const loginOf = (entry: Auth): Login | Half | undefined => {
  if (text(entry.identitytoken) !== '') return { identityToken: text(entry.identitytoken) }
  let [username, password] = [text(entry.username), text(entry.password)]
  if (text(entry.auth) !== '') {
    const decoded = Buffer.from(text(entry.auth), 'base64').toString('utf8')
    const colon = decoded.indexOf(':')
    if (colon === -1) return undefined
    ;[username, password] = [decoded.slice(0, colon), decoded.slice(colon + 1)]
  }
  if (username === '' && password === '') return undefined
  return username === '' || password === '' ? { incomplete: true } : { username, password }
}

const fromAuths = (auths: DockerConfig['auths'], host: string): Login | Half | undefined => {
  if (typeof auths !== 'object' || auths === null) return undefined
  const exact = Object.hasOwn(auths, host) ? auths[host] : undefined
  const other = Object.keys(auths).find((key) => key !== host && bareHost(key) === host)
  const entry = exact ?? (other === undefined ? undefined : auths[other]) ?? (isHub(host) ? auths[HUB] : undefined)
  return typeof entry === 'object' && entry !== null ? loginOf(entry) : undefined
}

const fromHelper = ({ username, secret }: HelperAnswer): Login | undefined =>
  secret === ''
    ? undefined
    : username === '<token>'
      ? { identityToken: secret }
      : username === ''
        ? undefined
        : { username, password: secret }

/** The login of `host[:port]` in a Docker configuration: credHelpers, credsStore, auths. */
export const lookUpLogin = async (
  config: DockerConfig,
  host: string,
  ask: (helper: string, host: string) => Promise<HelperAnswer | undefined>,
): Promise<Login | Half | undefined> => {
  const key = isHub(host) ? HUB : host
  for (const helper of [config.credHelpers?.[host] ?? config.credHelpers?.[key], config.credsStore]) {
    if (typeof helper !== 'string' || helper === '') continue
    const answer = await ask(helper, key)
    const login = answer === undefined ? undefined : fromHelper(answer)
    if (login !== undefined) return login
  }
  return fromAuths(config.auths, host)
}

/** Path of the Docker configuration of this environment. */
export const dockerConfigPath = (env: Context['env']): string =>
  join(env['DOCKER_CONFIG'] || join(env['HOME'] || homedir(), '.docker'), 'config.json')

/** A login that stands in the file although a helper, which had nothing, is in charge: programs that ask the helper only do not find it. */
interface Overlooked {
  readonly overlooked?: true
}

/** What `docker login` knows about `host[:port]`; undefined when it knows nothing. A file that is no JSON is an error that names it. */
export const dockerLogin = async (ctx: Context, host: string): Promise<(Login & Overlooked) | Half | undefined> => {
  const path = dockerConfigPath(ctx.env)
  let config: DockerConfig | null
  try {
    const content = await readText(path)
    if (content === undefined || content.trim() === '') return undefined
    config = JSON.parse(content) as DockerConfig | null
  } catch (cause) {
    throw new KsailError('config', `${path} cannot be read as JSON`, {
      cause,
      reason: 'docker-config',
      hint: 'mend config.json of Docker, or run docker logout and docker login again',
    })
  }
  if (typeof config !== 'object' || config === null) return undefined
  let overlooked = false
  const login = await lookUpLogin(config, host, async (name, key) => {
    const answer = await askHelper(ctx, name, key)
    overlooked = answer === undefined
    return answer
  })
  return login !== undefined && 'password' in login && overlooked ? { ...login, overlooked } : login
}
