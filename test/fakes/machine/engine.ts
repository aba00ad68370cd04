import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import { createRegistry, type Registry } from './registry.ts'

export interface Container {
  readonly id: string
  readonly name: string
  readonly image: string
  readonly created: string
  readonly labels: Readonly<Record<string, string>>
  readonly env: readonly string[]
  /** Host port by container port, as `5000/tcp`. */
  readonly ports: Readonly<Record<string, number>>
  readonly volume: string | undefined
  readonly networks: Set<string>
  running: boolean
  /** Files that were written in it, by path. */
  readonly files: Map<string, string>
}

export interface Volume {
  readonly labels: Readonly<Record<string, string>>
  readonly content: Registry
}

/** What an engine holds. A registry in a running container really listens on its port. */
export interface Engine {
  readonly containers: Map<string, Container>
  readonly volumes: Map<string, Volume>
  readonly networks: Set<string>
  find(nameOrId: string): Container | undefined
  create(what: Pick<Container, 'name' | 'image' | 'labels' | 'env' | 'ports' | 'volume'>, network: string): Container
  /** False when another program listens on its port: then it is there, and does not run. */
  start(it: Container): Promise<boolean>
  stop(it: Container): void
  remove(it: Container): void
  contentOf(it: Container): Registry | undefined
  /** What answers on a port of this machine. */
  registryAt(port: number): Registry | undefined
  end(): void
}

const listen = (server: Server, port: number): Promise<boolean> =>
  new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(false) : reject(error)))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => resolve(true))
  })

export const createEngine = (): Engine => {
  const containers = new Map<string, Container>()
  const volumes = new Map<string, Volume>()
  const servers = new Map<string, Server>()
  const contentOf = ({ volume }: Container): Registry | undefined => (volume === undefined ? undefined : volumes.get(volume)?.content)
  const stop = (it: Container): void => {
    it.running = false
    servers.get(it.id)?.close()
    servers.get(it.id)?.closeAllConnections()
    servers.delete(it.id)
  }
  return {
    containers,
    volumes,
    networks: new Set(['bridge', 'host', 'none']),
    find: (nameOrId) => [...containers.values()].find(({ id, name }) => name === nameOrId || id === nameOrId),
    create: (what, network) => {
      const id = randomBytes(32).toString('hex')
      const made = {
        ...what,
        id,
        created: new Date().toISOString(),
        networks: new Set([network]),
        running: false,
        files: new Map<string, string>(),
      }
      containers.set(id, made)
      return made
    },
    start: async (it) => {
      const port = it.ports['5000/tcp']
      if (it.volume !== undefined && !volumes.has(it.volume)) volumes.set(it.volume, { labels: {}, content: createRegistry() })
      const content = contentOf(it)
      if (content !== undefined && port !== undefined && !servers.has(it.id)) {
        const server = createServer(content.answer)
        if (!(await listen(server, port))) return false
        servers.set(it.id, server)
      }
      it.running = true
      return true
    },
    stop,
    remove: (it) => {
      stop(it)
      containers.delete(it.id)
    },
    contentOf,
    registryAt: (port) => {
      const it = [...containers.values()].find(({ ports, running }) => running && ports['5000/tcp'] === port)
      return it === undefined ? undefined : contentOf(it)
    },
    end: () => [...containers.values()].forEach(stop),
  }
}
