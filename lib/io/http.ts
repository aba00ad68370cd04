import type { Context } from '../base/context.ts'
import { KsailError, isKsailError, messageOf } from '../base/errors.ts'
import { isLoopback } from '../base/reference.ts'
import { host } from './host.ts'

type Fetch = typeof fetch
type Surroundings = Pick<Context, 'env' | 'secrets'>

/** A proxy as the environment names it. */
interface Proxy {
  readonly variable: string
  readonly url: URL
}

/** In the order of their rank, as curl and npm know them. */
const VARIABLES: Readonly<Record<string, readonly string[]>> = {
  'http:': ['http_proxy', 'HTTP_PROXY'],
  'https:': ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY'],
}

const proxyOf = ({ env, secrets }: Surroundings, protocol: string): Proxy | undefined => {
  const variable = VARIABLES[protocol]?.find((name) => (env[name] ?? '') !== '')
  if (variable === undefined) return undefined
  const text = env[variable] as string
  const address = text.includes('://') ? text : `http://${text}`
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined || !/^(https?|socks5?):$/.test(url.protocol) || url.hostname === '')
    throw new KsailError('config', `${variable} is not the address of a proxy`, {
      hint: `set ${variable} as http://proxy.example.com:3128`,
    })
  if (url.password !== '') for (const form of [url.password, decodeURIComponent(url.password)]) secrets.add(form)
  return { variable, url }
}

/** A proxy as it may be shown: without user and password. */
const shown = ({ variable, url }: Proxy): string => `the proxy ${url.protocol}//${url.host} (${variable})`

/** What another try does not change: a name that nobody has, a certificate that nobody here trusts. */
const UNTRUSTED = /SELF_SIGNED_CERT|UNABLE_TO_GET_ISSUER|UNABLE_TO_VERIFY|CERT_UNTRUSTED|ERR_TLS_CERT/
/** What a clock that is wrong makes of every certificate. */
const CLOCK = /CERT_NOT_YET_VALID|CERT_HAS_EXPIRED/
const LASTING = new RegExp(`ENOTFOUND|${CLOCK.source}|${UNTRUSTED.source}`)

/** Why a request failed, in one line: what lies below `fetch failed`. `again`: another try may help. */
export const whyFailed = (error: unknown): { readonly why: string; readonly again: boolean } => {
  let cause = error
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause
  const { code = '', errors } = cause as { code?: string; errors?: readonly unknown[] }
  const why = messageOf(cause) || (errors ?? []).map(messageOf).join('; ') || code
  const more = UNTRUSTED.test(code)
    ? ': NODE_EXTRA_CA_CERTS names further authorities'
    : CLOCK.test(code)
      ? ` by the clock of this machine, ${new Date().toISOString().slice(0, 16)}Z: is it right?`
      : ''
  return {
    why: `${why}${more}`,
    again: !LASTING.test(code),
  }
}

/** What a proxy answered in the place of the server that was asked. */
const refusal = (proxy: Proxy, target: string, status: number): KsailError => {
  const why =
    status === 407
      ? `wants a user and a password (407): put them into ${proxy.variable} as http://USER:PASSWORD@${proxy.url.host}`
      : `answered ${status}`
  return new KsailError('unreachable', `${target}: ${shown(proxy)} ${why}`, {
    reason: status >= 500 || status === 429 ? 'again' : undefined,
    hint: `correct ${proxy.variable}, or name ${target} in NO_PROXY`,
  })
}

/** A request to this machine that no runtime sends to a proxy: an agent of its own knows none. */
const askDirectly = async (url: URL, init: RequestInit, again: Fetch): Promise<Response> => {
  const [{ Agent, request }, { Readable }] = await Promise.all([import('node:http'), import('node:stream')])
  const options = { agent: new Agent(), method: init.method ?? 'GET', headers: Object.fromEntries(new Headers(init.headers)) }
  const message = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    const asked = request(url, init.signal ? { ...options, signal: init.signal } : options, resolve)
    asked.once('error', reject).end()
  })
  const status = message.statusCode ?? 500
  const { location } = message.headers
  if (status >= 301 && status <= 308 && location !== undefined) {
    message.resume()
    const onward = new URL(location, url)
    const headers = new Headers(init.headers)
    // who is known here is nobody there
    if (onward.origin !== url.origin) headers.delete('authorization')
    return again(onward, { ...init, headers })
  }
  const headers = new Headers(Object.entries(message.headers).map(([name, value]): [string, string] => [name, String(value)]))
  return new Response([204, 304].includes(status) ? null : (Readable.toWeb(message) as ReadableStream), { status, headers })
}

/** What asks the world through the proxies of an environment, and remembers which hosts it asks without one. */
const openProxies = async (around: Surroundings) => {
  const { buildConnector, EnvHttpProxyAgent, fetch: ask } = await import('undici')
  const except = around.env['no_proxy'] ?? around.env['NO_PROXY'] ?? ''
  const direct = new Set<string>()
  const connect = buildConnector({})
  const dispatcher = new EnvHttpProxyAgent({
    httpProxy: proxyOf(around, 'http:')?.url.href ?? '',
    httpsProxy: proxyOf(around, 'https:')?.url.href ?? '',
    noProxy: except === '*' ? except : `${except},localhost,127.0.0.1,[::1]`,
    // a proxy lets tunnels through to the ports of TLS alone
    proxyTunnel: false,
    // only who goes without a proxy connects by this
    connect: (options, callback) => {
      direct.add(options.hostname)
      connect(options, callback)
    },
  })
  // the types of Node's fetch and of this one differ in what is not used here
  return { direct, ask: (url: URL, init: RequestInit) => ask(url, { ...init, dispatcher } as never) as unknown as Promise<Response> }
}

/**
 * `fetch` for the environment that it is used in: Node's own takes no notice of HTTPS_PROXY, HTTP_PROXY and NO_PROXY, and none of the
 * runtimes leaves requests to this machine alone. Without a proxy in the environment it is the runtime's own.
 *
 * Throws `unreachable` for what a proxy does in the place of the server, without its password.
 */
export const createFetch = (around: Surroundings): Fetch => {
  let opened: ReturnType<typeof openProxies> | undefined
  const ask: Fetch = async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input)
    const proxy = proxyOf(around, url.protocol)
    if (proxy === undefined) return fetch(input, init)
    if (url.protocol === 'http:' && isLoopback(url.hostname.replace(/^\[|\]$/g, ''))) return askDirectly(url, init, ask)
    if (!host.isNode) return fetch(input, init)
    opened ??= openProxies(around)
    const world = await opened
    const isProxied = (): boolean => !world.direct.has(url.hostname)
    try {
      const response = await world.ask(url, init)
      if (response.status === 407 && isProxied()) throw refusal(proxy, url.host, 407)
      return response
    } catch (error) {
      if (isKsailError(error) || init.signal?.aborted || !isProxied()) throw error
      const { why, again } = whyFailed(error)
      const status = /\bProxy response \((\d+)\)|\((407)\)/.exec(why)
      if (status !== null) throw refusal(proxy, url.host, Number(status[1] ?? status[2]))
      throw new KsailError('unreachable', `${url.host}: through ${shown(proxy)}: ${why}`, {
        reason: again ? 'again' : undefined,
        cause: error,
      })
    }
  }
  return ask
}
