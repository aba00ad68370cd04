import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Cluster } from './cluster.ts'
import { recorded } from './recorded.ts'

interface Place {
  /** As `apps/v1/deployments`. */
  readonly collection: string
  readonly namespace: string | undefined
  readonly name: string | undefined
}

const placeOf = (path: string): Place | undefined => {
  const match = /^\/(?:api\/(v1)|apis\/([^/]+\/[^/]+))(?:\/namespaces\/([^/]+)(?=\/))?\/([^/]+)(?:\/([^/]+))?$/.exec(path)
  return match === null ? undefined : { collection: `${match[1] ?? match[2]}/${match[4]}`, namespace: match[3], name: match[5] }
}

const json = (response: ServerResponse, status: number, body: unknown): void =>
  void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))

const read = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

const watch = ({ objects }: Cluster, { collection, namespace }: Place, after: number, response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders()
  const end = objects.follow(after, ({ type, object }, of) => {
    if (of === collection && (namespace === undefined || object.metadata.namespace === namespace))
      response.write(`${JSON.stringify({ type, object })}\n`)
  })
  response.once('close', end)
}

/** The API of a cluster on a unix socket, as kubectl proxy serves it: lists, watches, single objects, annotations by merge patch. */
export const serveApi = async (cluster: Cluster, socket: string, refuse: (what: string) => void): Promise<() => void> => {
  const { objects } = cluster
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://localhost')
    const place = placeOf(url.pathname)
    if (place === undefined || !['GET', 'PATCH'].includes(request.method ?? '')) {
      refuse(`${request.method} ${request.url}`)
      return json(response, 501, {})
    }
    if (!(await cluster.served)) return void request.destroy()
    const { collection, namespace, name } = place
    if (!objects.hasCollection(collection))
      return void response.writeHead(404, { 'content-type': 'text/plain' }).end(recorded('kubectl/api-no-kind.txt'))
    if (url.searchParams.get('watch') === '1') return watch(cluster, place, Number(url.searchParams.get('resourceVersion')), response)
    if (name === undefined)
      return json(response, 200, {
        kind: 'List',
        apiVersion: 'v1',
        metadata: { resourceVersion: String(objects.version()) },
        items: objects.list(collection, namespace),
      })
    const object = objects.get(collection, namespace, name)
    if (object === undefined) return json(response, 404, JSON.parse(recorded('kubectl/api-not-found.txt', { name })))
    if (request.method === 'GET') return json(response, 200, object)
    const body = JSON.parse(await read(request)) as { metadata?: { annotations?: Record<string, string> } }
    const annotations = body.metadata?.annotations
    if (annotations === undefined || Object.keys(body).join() !== 'metadata') {
      refuse(`PATCH ${request.url} ${JSON.stringify(body)}`)
      return json(response, 501, {})
    }
    json(response, 200, objects.annotate(object, annotations))
    cluster.look()
  }
  const open = new Set<Socket>()
  const server = createServer((request, response) => void answer(request, response))
  server.on('connection', (it) => {
    open.add(it)
    it.once('close', () => open.delete(it))
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(socket, resolve))
  return () => {
    server.close()
    for (const it of open) it.destroy()
  }
}
