import { createServer, type IncomingMessage } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'

export interface ForwardProxy {
  /** `host:port` of the proxy. */
  readonly host: string
  /** What was asked for: `GET http://…` or `CONNECT host:port`. */
  readonly asked: string[]
  /** The users and passwords that came with it. */
  readonly logins: string[]
  close(): Promise<void>
}

interface Behaviour {
  /** Answers plain requests itself, as the world would. */
  readonly body?: string
  /** Where tunnels lead, whatever was asked for. */
  readonly tunnelTo?: number
  /** The status of everything, in the place of doing it. */
  readonly refuse?: number
}

/** A proxy for plain HTTP and for tunnels. */
export const forwardProxy = async ({ body = '', tunnelTo, refuse }: Behaviour = {}): Promise<ForwardProxy> => {
  const [asked, logins]: [string[], string[]] = [[], []]
  const sockets = new Set<Socket>()
  const note = ({ method, url, headers }: IncomingMessage): void => {
    asked.push(`${method} ${url}`)
    logins.push(Buffer.from((headers['proxy-authorization'] ?? '').replace('Basic ', ''), 'base64').toString())
  }
  const server = createServer((request, response) => {
    note(request)
    if (refuse === undefined) response.end(body)
    else response.writeHead(refuse).end('<html>refused</html>')
  })
  server.on('connection', (socket: Socket) => void sockets.add(socket))
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    note(request)
    socket.on('error', () => undefined)
    if (refuse !== undefined || tunnelTo === undefined) return socket.end(`HTTP/1.1 ${refuse ?? 502} Refused\r\n\r\n`)
    const onward = connect(tunnelTo, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
      socket.pipe(onward).pipe(socket)
    })
    sockets.add(onward)
    onward.on('error', () => socket.destroy())
    return socket
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    logins,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
