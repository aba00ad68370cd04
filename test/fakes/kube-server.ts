import { createServer } from 'node:http'
import type { Spawn } from '../../lib/base/exec.ts'
import type { FakeKube } from './kube.ts'

/** Collections have one part less than their objects: `/apis/GROUP/VERSION[/namespaces/NS]/PLURAL`. */
const isCollection = (path: string): boolean => {
  const parts = path.split('/').slice(path.startsWith('/apis/') ? 4 : 3)
  return (parts[0] === 'namespaces' && parts.length > 2 ? parts.length - 2 : parts.length) === 1
}

/** A spawn whose `kubectl proxy` serves a cluster in memory on its socket. */
export const serveKube = (kube: FakeKube): Spawn & { readonly stopped: () => boolean } => {
  let stopped = false
  const spawn: Spawn = (_file, args, options) => {
    const socket = args.find((arg) => arg.startsWith('--unix-socket='))?.slice('--unix-socket='.length)
    if (args[0] !== 'proxy' || socket === undefined) throw new Error(`the fake spawn was not told about: ${args.join(' ')}`)
    const server = createServer(async (request, response) => {
      const url = new URL(request.url ?? '', 'http://localhost')
      const send = (body: unknown): void => {
        response.statusCode = body === undefined ? 404 : 200
        response.end(JSON.stringify(body ?? { message: 'not found' }))
      }
      if (request.method === 'PATCH') {
        const chunks: Buffer[] = []
        for await (const chunk of request) chunks.push(chunk as Buffer)
        return send(
          await kube.patch(url.pathname, JSON.parse(Buffer.concat(chunks).toString()), {
            fieldManager: url.searchParams.get('fieldManager') ?? '',
          }),
        )
      }
      if (url.searchParams.has('watch')) {
        const end = new AbortController()
        response.once('close', () => end.abort())
        response.flushHeaders()
        for await (const event of kube.watch(url.pathname, {
          resourceVersion: url.searchParams.get('resourceVersion') ?? '',
          signal: end.signal,
        }))
          response.write(`${JSON.stringify(event)}\n`)
        return
      }
      if (!isCollection(url.pathname)) return send(await kube.get(url.pathname))
      const { items, resourceVersion } = (await kube.list(url.pathname))!
      send({ items, metadata: { resourceVersion } })
    })
    server.listen(socket, () => options?.onLine?.(`Starting to serve on ${socket}`, 'stdout'))
    let end: (result: { exitCode: number; stderr: string }) => void = () => undefined
    const ended = new Promise<{ exitCode: number; stderr: string }>((resolve) => void (end = resolve))
    return {
      pid: 1,
      ended,
      stop: async () => {
        stopped = true
        server.closeAllConnections()
        server.close()
        end({ exitCode: 0, stderr: '' })
      },
    }
  }
  return Object.assign(spawn, { stopped: () => stopped })
}
