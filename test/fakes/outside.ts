import { readFileSync } from 'node:fs'
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url))

/** What the outside is asked: the host of the request, its method and path, and the user and password that came with it. */
export interface Asked {
  readonly host: string
  readonly what: string
  readonly login: string
}

export interface Outside {
  /** The environment of a child for which the outside is the world: a proxy, and the authority that its certificates come from. */
  readonly env: { readonly HTTPS_PROXY: string; readonly NO_PROXY: string; readonly SSL_CERT_FILE: string }
  /** `host:port` of each connection that was asked for. */
  readonly connects: string[]
  readonly asked: Asked[]
  /** Says no to every upload from now on, and repeats the credentials in its words, as a careless registry might. */
  denyUploads(deny: boolean): void
  /** Called at every request from now on, while the program that asks waits for its answer. */
  onAsk(look: () => void): void
  /** Leads past TLS from now on: every host speaks plain HTTP, as an old registry does. */
  withoutTls(): void
  close(): Promise<void>
}

const loginOf = (header: string | undefined): string => Buffer.from(header?.replace(/^Basic /, '') ?? '', 'base64').toString('utf8')

/**
 * The world beyond this machine: a CONNECT proxy that leads every host to one TLS server with a certificate of the test authority, which
 * passes on to a registry on loopback.
 */
export const outside = async (registry: string): Promise<Outside> => {
  const connects: string[] = []
  const asked: Asked[] = []
  let deny = false
  let plain = false
  let look = (): void => undefined

  const answer = (incoming: IncomingMessage, response: ServerResponse): void => {
    look()
    const { method = 'GET', url = '/', headers } = incoming
    asked.push({ host: headers.host ?? '', what: `${method} ${url.split('?')[0]}`, login: loginOf(headers.authorization) })
    if (deny && method === 'POST') {
      incoming.resume()
      const message = `permission_denied: write_package for ${headers.authorization} (${loginOf(headers.authorization)})`
      response.writeHead(403, { 'content-type': 'application/json' }).end(JSON.stringify({ errors: [{ code: 'DENIED', message }] }))
      return
    }
    const [host, port] = registry.split(':')
    const onward = request({ host, port, method, path: url, headers }, (from) => {
      response.writeHead(from.statusCode ?? 502, from.headers)
      from.pipe(response)
    })
    onward.once('error', () => response.destroy())
    incoming.pipe(onward)
  }

  const sockets = new Set<Socket>()
  const tls = createTlsServer({ key: readFileSync(fixture('server.key')), cert: readFileSync(fixture('server.pem')) }, answer)
  const proxy = createServer((_request, response) => response.writeHead(405).end())
  await Promise.all([tls, proxy].map((server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))))
  const portOf = (server: typeof tls | typeof proxy): number => (server.address() as AddressInfo).port
  proxy.on('connect', (incoming: IncomingMessage, socket: Socket) => {
    connects.push(incoming.url ?? '')
    const onward = connect(plain ? Number(registry.split(':')[1]) : portOf(tls), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
      socket.pipe(onward).pipe(socket)
    })
    for (const end of [socket, onward]) {
      sockets.add(end)
      // either side may hang up at any time
      end.on('error', () => undefined)
      end.once('close', () => {
        sockets.delete(end)
        for (const other of [socket, onward]) other.destroy()
      })
    }
  })
  return {
    env: { HTTPS_PROXY: `http://127.0.0.1:${portOf(proxy)}`, NO_PROXY: '127.0.0.1,localhost', SSL_CERT_FILE: fixture('ca.pem') },
    connects,
    asked,
    denyUploads: (value) => void (deny = value),
    onAsk: (given) => void (look = given),
    withoutTls: () => void (plain = true),
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await Promise.all(
        [tls, proxy].map((server) => {
          server.closeAllConnections()
          return new Promise((resolve) => server.close(resolve))
        }),
      )
    },
  }
}
