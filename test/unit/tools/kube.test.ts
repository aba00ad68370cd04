import { createServer, type RequestListener, type Server } from 'node:http'
import { existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { Child, Spawn } from '../../../lib/base/exec.ts'
import { connect, kubeOver } from '../../../lib/tools/kube.ts'
import { collection, pathOf, pluralOf } from '../../../lib/tools/kube-paths.ts'
import { fakeContext, tempFolder } from '../../fakes/context.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

const serve = async (socket: string, listener: RequestListener): Promise<void> => {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(socket, resolve))
}

const over = async (listener: RequestListener) => {
  const socket = join(tempFolder(), 's')
  await serve(socket, listener)
  return kubeOver({ signal: new AbortController().signal }, socket, async () => undefined)
}

const answer =
  (status: number, body: unknown): RequestListener =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }

describe('the API over a socket', () => {
  it('has nothing where the server has nothing', async () => {
    const kube = await over(answer(404, { message: 'not found' }))
    expect([await kube.get('/x'), await kube.list('/x'), await kube.delete('/x')]).toEqual([undefined, undefined, false])
    await kube.close()
  })

  it.each([
    [409, { message: 'the object has been modified' }, 'conflict'],
    [403, { message: 'secrets is forbidden' }, 'auth'],
    [422, { message: 'spec is invalid' }, 'failed'],
    [500, 'error trying to reach service: dial tcp 127.0.0.1:1: connect: connection refused', 'unreachable'],
  ])('makes %s a failure that tells the reason', async (status, body, code) => {
    const kube = await over(answer(status, body))
    const text = typeof body === 'string' ? body : body.message
    await expect(kube.get('/x')).rejects.toMatchObject({ code, status, message: expect.stringContaining(text) })
    await kube.close()
  })

  it('sends a patch with its manager and type', async () => {
    const seen: unknown[] = []
    const kube = await over((request, response) => {
      seen.push([request.method, request.url, request.headers['content-type'], request.headers.host])
      answer(200, {})(request, response)
    })
    await kube.patch('/a', { x: 1 }, { fieldManager: 'm' })
    await kube.apply([{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'n' } }], { fieldManager: 'm', force: true })
    expect(seen).toEqual([
      ['PATCH', '/a?fieldManager=m', 'application/merge-patch+json', 'localhost'],
      ['PATCH', '/api/v1/namespaces/n/configmaps/c?fieldManager=m&force=true', 'application/apply-patch+yaml', 'localhost'],
    ])
    await kube.close()
  })

  it('gives the events of a watch one by one, also when a line comes in pieces', async () => {
    const kube = await over((_request, response) => {
      response.write('{"type":"ADDED","object":{"metadata":{"name":"a"}}}\n{"type":"MOD')
      setImmediate(() => response.end('IFIED","object":{"metadata":{"name":"ä"}}}\n'))
    })
    const events: string[] = []
    for await (const { type, object } of kube.watch('/x', { resourceVersion: '1' })) events.push(`${type} ${object.metadata.name}`)
    expect(events).toEqual(['ADDED a', 'MODIFIED ä'])
    await kube.close()
  })

  it('ends a watch when it is told to', async () => {
    const stop = new AbortController()
    const kube = await over((_request, response) => void response.write('{"type":"ADDED","object":{"metadata":{"name":"a"}}}\n'))
    const watching = (async () => {
      for await (const _event of kube.watch('/x', { resourceVersion: '1', signal: stop.signal })) stop.abort(new Error('enough'))
    })()
    await expect(watching).rejects.toThrow('enough')
    await kube.close()
  })

  it('is unreachable when the connection breaks', async () => {
    const kube = await over((request) => void request.socket.destroy())
    await expect(kube.get('/x')).rejects.toMatchObject({ code: 'unreachable' })
    await kube.close()
  })
})

describe('connecting', () => {
  const proxy = (line: string | undefined, end?: { exitCode: number; stderr: string }) => {
    const calls: { args: readonly string[]; stopped: boolean }[] = []
    const spawn: Spawn = (_file, args, options) => {
      const call = { args, stopped: false }
      calls.push(call)
      if (line !== undefined) setImmediate(() => options?.onLine?.(line, 'stdout'))
      const child: Child = {
        pid: 1,
        ended: end === undefined ? new Promise(() => undefined) : Promise.resolve(end),
        stop: async () => void (call.stopped = true),
      }
      return child
    }
    return { calls, ctx: fakeContext({ spawn }) }
  }
  const to = { kubeconfig: '/kc', context: 'kind-dev' }
  const socketOf = (args: readonly string[]): string => args.find((arg) => arg.startsWith('--unix-socket='))!.slice('--unix-socket='.length)

  it('serves on a socket that only this user can reach, and leaves nothing behind', async () => {
    const { calls, ctx } = proxy('Starting to serve on /s')
    const kube = await connect(ctx, to)
    const { args } = calls[0]!
    expect(args.slice(0, 5)).toEqual(['proxy', '--kubeconfig', '/kc', '--context', 'kind-dev'])
    const folder = dirname(socketOf(args))
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    expect(socketOf(args).length).toBeLessThan(100)
    await kube.close()
    expect([calls[0]!.stopped, existsSync(folder)]).toEqual([true, false])
  })

  it('says why there is no connection, and stops the child', async () => {
    const { calls, ctx } = proxy(undefined, { exitCode: 1, stderr: 'error: context "kind-dev" does not exist' })
    await expect(connect(ctx, to)).rejects.toMatchObject({
      code: 'unreachable',
      message: 'cannot reach context kind-dev of /kc: context "kind-dev" does not exist',
      hint: 'run ksail cluster create, or pass --context',
    })
    expect([calls[0]!.stopped, existsSync(dirname(socketOf(calls[0]!.args)))]).toEqual([true, false])
  })
})

describe('paths of the API', () => {
  it.each([
    ['Deployment', 'deployments'],
    ['NetworkPolicy', 'networkpolicies'],
    ['Ingress', 'ingresses'],
    ['Gateway', 'gateways'],
    ['OCIRepository', 'ocirepositories'],
  ])('%s is %s', (kind, plural) => {
    expect(pluralOf(kind)).toBe(plural)
  })

  it('tells objects of a namespace from those of the cluster', () => {
    expect(pathOf({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'n' } })).toBe('/api/v1/namespaces/n')
    expect(pathOf({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd', namespace: 'n' } })).toBe(
      '/apis/apps/v1/namespaces/n/deployments/d',
    )
    expect(collection('v1', 'pods')).toBe('/api/v1/pods')
  })
})
