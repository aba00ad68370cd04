import { X509Certificate } from 'node:crypto'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import type { Child, Spawn } from '../../../lib/base/exec.ts'
import { connect, kubeOver } from '../../../lib/tools/kube.ts'
import { socketWire } from '../../../lib/tools/kube-wire.ts'
import { collection, pathOf, pluralOf } from '../../../lib/tools/kube-paths.ts'
import { fakeContext, tempFolder } from '../../fakes/context.ts'

const servers: Pick<Server, 'close' | 'closeAllConnections'>[] = []
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
  return kubeOver({ signal: new AbortController().signal }, socketWire(socket))
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

  it('says what a web site in the place of the API is', async () => {
    const kube = await over(answer(200, '<html>Sign in</html>'))
    for (const ask of [kube.get('/x'), kube.list('/x'), kube.patch('/x', {}, { fieldManager: 'm' })])
      await expect(ask).rejects.toMatchObject({ exitCode: 6, message: 'what answers is no API server: <html>Sign in</html>' })
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

describe('an entry that is an address, a certificate and a user of one kind', () => {
  const fixture = (name: string): string => readFileSync(fileURLToPath(new URL(`../../fixtures/tls/${name}`, import.meta.url)), 'utf8')

  const world = async (change: (text: string) => string = (text) => text) => {
    const seen: unknown[] = []
    const server = createTlsServer(
      { key: fixture('server.key'), cert: fixture('server.pem'), requestCert: true, rejectUnauthorized: false },
      (request, response) => {
        const { fingerprint256 } = (request.socket as TLSSocket).getPeerCertificate()
        seen.push([request.method, request.url, request.headers.authorization ?? fingerprint256])
        answer(200, { metadata: { name: 'x' } })(request, response)
      },
    )
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const spawned: string[] = []
    const ctx = fakeContext({
      spawn: (_file, args) => {
        spawned.push(args[0] ?? '')
        return { pid: 1, ended: Promise.resolve({ exitCode: 1, stderr: 'error: as kubectl says' }), stop: async () => undefined }
      },
    })
    const kubeconfig = join(tempFolder(), 'config')
    const authority = Buffer.from(fixture('ca.pem')).toString('base64')
    const text = `clusters: [{name: c, cluster: {server: 'https://127.0.0.1:${port}', certificate-authority-data: ${authority}}}]
contexts: [{name: ksail-dev, context: {cluster: c, user: u}}]
users: [{name: u, user: {token: s3cret}}]
`
    writeFileSync(kubeconfig, change(text))
    return { seen, spawned, ctx, to: { kubeconfig, context: 'ksail-dev' } }
  }

  it('needs no kubectl, and its token is a secret', async () => {
    const { seen, spawned, ctx, to } = await world()
    const kube = await connect(ctx, to)
    expect(await kube.get('/api/v1/x')).toEqual({ metadata: { name: 'x' } })
    await kube.patch('/a', { x: 1 }, { fieldManager: 'm' })
    await kube.close()
    expect(seen).toEqual([
      ['GET', '/api/v1/x', 'Bearer s3cret'],
      ['PATCH', '/a?fieldManager=m', 'Bearer s3cret'],
    ])
    expect([spawned, [...ctx.secrets]]).toEqual([[], ['s3cret']])
  })

  it('shows a certificate where that is what the user has, as kind writes it', async () => {
    const [certificate, key] = ['server.pem', 'server.key'].map((name) => Buffer.from(fixture(name)).toString('base64'))
    const { seen, spawned, ctx, to } = await world((text) =>
      text.replace('token: s3cret', `client-certificate-data: ${certificate}, client-key-data: ${key}`),
    )
    const kube = await connect(ctx, to)
    await kube.get('/api/v1/x')
    await kube.close()
    expect(seen).toEqual([['GET', '/api/v1/x', new X509Certificate(fixture('server.pem')).fingerprint256]])
    expect(spawned).toEqual([])
  })

  it('says the same when kubectl meets such a server', async () => {
    const kube = await over(answer(502, 'tls: failed to verify certificate: x509: certificate signed by unknown authority'))
    await expect(kube.get('/x')).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('what answers is not the cluster'),
    })
  })

  it('gives its token to nobody whose certificate another authority signed', async () => {
    const { seen, ctx, to } = await world((text) =>
      text.replace(/(authority-data: )\S+(?=}})/, `$1${Buffer.from(fixture('server.key')).toString('base64')}`),
    )
    const kube = await connect(ctx, to)
    await expect(kube.get('/x')).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('what answers is not the cluster that the kubeconfig describes'),
      hint: expect.stringContaining('ksail cluster create'),
    })
    await kube.close()
    expect(seen).toEqual([])
  })

  it.each([
    ['another user key', (text: string) => text.replace('token: s3cret', 'token: s3cret, as: somebody')],
    ['half a pair', (text: string) => text.replace('token: s3cret', 'client-key-data: eA==')],
    [
      'two kinds of user',
      (text: string) => text.replace('token: s3cret', 'token: s3cret, client-certificate-data: eA==, client-key-data: eA=='),
    ],
    ['another cluster key', (text: string) => text.replace('server:', "proxy-url: 'http://p', server:")],
    ['no authority', (text: string) => text.replace(/, certificate-authority-data: [^}]+/, '')],
    ['another machine', (text: string) => text.replace('127.0.0.1', 'example.com')],
    ['no TLS', (text: string) => text.replace('https:', 'http:')],
    ['two entries of the name', (text: string) => text.replace('users: [', 'users: [{name: u, user: {token: other}}, ')],
    ['another context', (text: string) => text.replace('ksail-dev', 'ksail-dev-2')],
    ['no YAML', (text: string) => `${text}: [`],
  ])('is for kubectl with %s', async (_what, change) => {
    const { seen, spawned, ctx, to } = await world(change)
    await expect(connect(ctx, to)).rejects.toMatchObject({ message: expect.stringContaining('as kubectl says') })
    expect([seen, spawned]).toEqual([[], ['proxy']])
  })
})
