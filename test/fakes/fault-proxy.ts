import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What happens to a request instead of an answer. */
export type Fault =
  | { readonly status: number; readonly body?: string; readonly headers?: Readonly<Record<string, string>> }
  /** The connection breaks before the request is read. */
  | 'reset'
  /** The connection breaks after half of the request's body. */
  | 'reset-mid-body'
  /** The registry does it, the answer never arrives. */
  | 'lost-answer'
  /** Nobody answers. */
  | 'hang'
  /** The answer's body ends too early. */
  | 'truncate'
  /** The request is answered after that many milliseconds. */
  | { readonly slow: number }
  | 'redirect-loop'

interface Rule {
  readonly method?: string
  readonly path: RegExp
  readonly fault: Fault
  /** How often; default always. */
  times: number
}

interface ProxyOptions {
  /** `host:port` of the real registry. */
  readonly upstream: string
  /** Asks for this login, by a token as GHCR does or directly. */
  readonly login?: { readonly by: 'bearer' | 'basic'; readonly username: string; readonly password: string }
}

export interface FaultProxy {
  /** `127.0.0.1:port` */
  readonly host: string
  readonly port: number
  /** `METHOD /path`, in order, without queries. */
  readonly requests: string[]
  /** Breaks matching requests, `times` times. */
  break(what: { method?: string; path: RegExp; fault: Fault; times?: number }): void
  /** Tags that the registry refuses to write twice. */
  freeze(...tags: string[]): void
  /** Tokens that were given out are worth nothing from now on. */
  expire(): void
  close(): Promise<void>
}

/** The body of an error as registries write it. */
export const ociError = (code: string, message: string): string => JSON.stringify({ errors: [{ code, message }] })

const bodyOf = async (from: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = []
  for await (const chunk of from) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

interface Answer {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly body: Buffer
}

const ask = (upstream: string, from: IncomingMessage, body: Buffer): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const [hostname, port] = upstream.split(':')
    const { authorization: _login, ...headers } = from.headers
    // the registry writes its own address into Location: it has to be the proxy's
    const sent = request(
      { hostname, port, method: from.method, path: from.url, headers: { ...headers, 'content-length': body.length } },
      (response) =>
        void bodyOf(response).then(
          (content) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: content }),
          reject,
        ),
    )
    sent.once('error', reject)
    sent.end(body)
  })

/** A registry that misbehaves on demand: a proxy before a real one. Faults are counted per rule; the first rule that matches wins. */
export const faultProxy = async ({ upstream, login }: ProxyOptions): Promise<FaultProxy> => {
  const rules: Rule[] = []
  const requests: string[] = []
  const frozen = new Set<string>()
  let token = 1
  const basic = login === undefined ? '' : `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`
  let self = ''

  const answer = (to: ServerResponse, { status, headers, body }: Answer, head: boolean): void => {
    to.writeHead(status, { ...headers, 'content-length': head ? headers['content-length'] : body.length } as Record<string, string>)
    to.end(head ? undefined : body)
  }
  const say = (to: ServerResponse, status: number, body: string, headers: Readonly<Record<string, string>> = {}): void => {
    to.writeHead(status, { 'content-type': body.startsWith('{') ? 'application/json' : 'text/html', ...headers })
    to.end(body)
  }

  const faulty = async (fault: Fault, from: IncomingMessage, to: ServerResponse): Promise<boolean> => {
    if (fault === 'hang') return true
    if (fault === 'reset') {
      from.socket.resetAndDestroy()
      return true
    }
    if (fault === 'reset-mid-body') {
      from.once('data', () => from.socket.resetAndDestroy())
      if (Number(from.headers['content-length'] ?? 0) === 0) from.socket.resetAndDestroy()
      return true
    }
    if (fault === 'redirect-loop') {
      say(to, 307, '', { location: `http://${self}${from.url}` })
      return true
    }
    if (fault === 'lost-answer') {
      await ask(upstream, from, await bodyOf(from))
      from.socket.resetAndDestroy()
      return true
    }
    if (fault === 'truncate') {
      const whole = await ask(upstream, from, await bodyOf(from))
      to.writeHead(whole.status, { ...whole.headers, 'content-length': String(whole.body.length) } as Record<string, string>)
      to.write(whole.body.subarray(0, Math.floor(whole.body.length / 2)), () => from.socket.destroy())
      return true
    }
    if ('slow' in fault) {
      await new Promise((resolve) => setTimeout(resolve, fault.slow))
      return false
    }
    await bodyOf(from)
    say(to, fault.status, fault.body ?? '', fault.headers)
    return true
  }

  const handle = async (from: IncomingMessage, to: ServerResponse): Promise<void> => {
    const [path = ''] = (from.url ?? '').split('?')
    requests.push(`${from.method} ${path}`)
    const rule = rules.find((it) => it.times > 0 && (it.method === undefined || it.method === from.method) && it.path.test(path))
    if (rule !== undefined) {
      rule.times--
      if (await faulty(rule.fault, from, to)) return
    }
    if (path === '/token') {
      if (from.headers.authorization === basic) say(to, 200, JSON.stringify({ token: `t${token}`, expires_in: 300 }))
      else say(to, 401, ociError('UNAUTHORIZED', 'authentication required'))
      return
    }
    const wanted = login?.by === 'bearer' ? `Bearer t${token}` : basic
    if (login !== undefined && from.headers.authorization !== wanted) {
      await bodyOf(from)
      const challenge =
        login.by === 'bearer'
          ? `Bearer realm="http://${self}/token",service="registry",scope="repository:app:pull,push"`
          : 'Basic realm="registry"'
      say(to, 401, ociError('UNAUTHORIZED', 'authentication required'), { 'www-authenticate': challenge })
      return
    }
    const body = await bodyOf(from)
    const tag = /\/manifests\/([^/]+)$/.exec(path)?.[1]
    if (from.method === 'PUT' && tag !== undefined && frozen.has(tag)) {
      say(to, 400, ociError('TAG_INVALID', `The image tag '${tag}' already exists and cannot be overwritten because the tag is immutable.`))
      return
    }
    const real = await ask(upstream, from, body)
    const { location } = real.headers
    if (typeof location === 'string') real.headers['location'] = location.replace(/^https?:\/\/[^/]+/, `http://${self}`)
    answer(to, real, from.method === 'HEAD')
  }

  const server: Server = createServer((from, to) => {
    // what breaks on purpose throws on purpose
    from.on('error', () => undefined)
    handle(from, to).catch(() => from.socket.destroy())
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  self = `127.0.0.1:${port}`
  return {
    host: self,
    port,
    requests,
    break: ({ method, path, fault, times = Infinity }) =>
      void rules.push({ ...(method === undefined ? {} : { method }), path, fault, times }),
    freeze: (...tags) => tags.forEach((tag) => frozen.add(tag)),
    expire: () => void token++,
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => void server.close(() => resolve()))
    },
  }
}
