import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { StringDecoder } from 'node:string_decoder'
import { messageOf } from '../base/errors.ts'
import type { Context } from '../base/context.ts'
import type { KubeObject } from '../base/object.ts'
import { privateFolder } from '../io/private.ts'
import { startProxy, type Access } from './kubectl.ts'
import { failureOf, KubeError, unanswered } from './kube-failure.ts'
import { pathOf } from './kube-paths.ts'
import { plainWire, socketWire, type Wire } from './kube-wire.ts'

interface PatchOptions {
  readonly fieldManager: string
  /** `apply` is server-side apply, `merge` a JSON merge patch. */
  readonly type?: 'merge' | 'apply' | undefined
  /** Takes fields that another manager owns. Only for `apply`. */
  readonly force?: boolean | undefined
}

interface KubeList<T> {
  readonly items: readonly T[]
  readonly resourceVersion: string
  /** The server's clock when it answered, in milliseconds; cluster times are only comparable with this one. */
  readonly date: number | undefined
}

export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  readonly object: T
}

/** The API of one cluster. Paths are those of the API, as `/api/v1/namespaces/default/pods`. */
export interface Kube {
  /** undefined when there is no such object or kind. */
  get<T = KubeObject>(path: string): Promise<T | undefined>
  /** Every object of a collection; undefined when the kind is not served. */
  list<T = KubeObject>(path: string): Promise<KubeList<T> | undefined>
  text(path: string): Promise<string | undefined>
  patch<T = KubeObject>(path: string, body: unknown, options: PatchOptions): Promise<T>
  /** Server-side apply, one object after the other. */
  apply(
    objects: readonly KubeObject<unknown, unknown>[],
    options: { readonly fieldManager: string; readonly force?: boolean | undefined },
  ): Promise<void>
  /** false when it was gone already. */
  delete(path: string): Promise<boolean>
  /** Ends when the server or `signal` ends it; an ERROR event of code 410 means: list again. */
  watch<T = KubeObject>(
    path: string,
    options: { readonly resourceVersion: string; readonly signal?: AbortSignal | undefined },
  ): AsyncIterable<WatchEvent<T>>
  close(): Promise<void>
}

interface Send {
  readonly method: string
  readonly path: string
  readonly body?: string | undefined
  readonly type?: string | undefined
  readonly signal?: AbortSignal | undefined
  readonly timeout?: number | undefined
}

const sender =
  (wire: Wire) =>
  (what: Send): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const headers: Record<string, string | number> = { ...wire.headers, accept: 'application/json' }
      if (what.body !== undefined)
        Object.assign(headers, { 'content-type': what.type ?? 'application/json', 'content-length': Buffer.byteLength(what.body) })
      const sent = wire.request(
        {
          method: what.method,
          path: what.path,
          headers,
          ...(what.signal === undefined ? {} : { signal: what.signal }),
        },
        resolve,
      )
      // this timer keeps the process alive until it fires or is cleared, unlike AbortSignal.timeout
      const limit =
        what.timeout === undefined
          ? undefined
          : setTimeout(() => sent.destroy(new Error('i/o timeout: no answer from the API server')), what.timeout)
      sent.once('response', () => clearTimeout(limit))
      sent.once('error', (error) => {
        clearTimeout(limit)
        reject(what.signal?.aborted === true ? what.signal.reason : unanswered(messageOf(error)))
      })
      sent.end(what.body)
    })

const bodyOf = async (response: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

/** What the API says; a web site or a proxy in its place says something else. */
const parsed = <T>(body: string): T => {
  try {
    return JSON.parse(body) as T
  } catch {
    throw new KubeError(
      'unreachable',
      `what answers is no API server: ${body.slice(0, 60).trim()}`,
      undefined,
      'check the server of the context',
    )
  }
}

/** The API at the end of a wire; `stop` ends what serves it. */
export const kubeOver = (ctx: Pick<Context, 'signal'>, wire: Wire, stop: () => Promise<void> = async () => undefined): Kube => {
  const send = sender(wire)
  const ask = async (what: Send): Promise<{ status: number; body: string; date: number }> => {
    const response = await send({ signal: ctx.signal, timeout: 30_000, ...what })
    return { status: response.statusCode ?? 0, body: await bodyOf(response), date: Date.parse(response.headers.date ?? '') }
  }
  const fetched = async (path: string): Promise<{ body: string; date: number } | undefined> => {
    const { status, body, date } = await ask({ method: 'GET', path })
    if (status === 404) return undefined
    if (status >= 300) throw failureOf(status, body, `reading ${path}`)
    return { body, date }
  }
  const read = async (path: string): Promise<string | undefined> => (await fetched(path))?.body
  const get = async <T>(path: string): Promise<T | undefined> => {
    const body = await read(path)
    return body === undefined ? undefined : parsed<T>(body)
  }
  const patch: Kube['patch'] = async <T>(path: string, content: unknown, { fieldManager, type = 'merge', force }: PatchOptions) => {
    const query = `fieldManager=${encodeURIComponent(fieldManager)}${force === true ? '&force=true' : ''}`
    const media = type === 'apply' ? 'application/apply-patch+yaml' : 'application/merge-patch+json'
    const { status, body } = await ask({ method: 'PATCH', path: `${path}?${query}`, body: JSON.stringify(content), type: media })
    if (status >= 300) throw failureOf(status, body, `changing ${path}`)
    return parsed<T>(body)
  }
  return {
    get,
    patch,
    text: read,
    list: async <T>(path: string) => {
      const answer = await fetched(path)
      if (answer === undefined) return undefined
      const list = parsed<{ items: T[] | null; metadata: { resourceVersion: string } }>(answer.body)
      return {
        items: list.items ?? [],
        resourceVersion: list.metadata.resourceVersion,
        date: Number.isNaN(answer.date) ? undefined : answer.date,
      }
    },
    apply: async (objects, options) => {
      for (const object of objects) await patch(pathOf(object), object, { ...options, type: 'apply' })
    },
    delete: async (path) => {
      const { status, body } = await ask({ method: 'DELETE', path })
      if (status === 404) return false
      if (status >= 300) throw failureOf(status, body, `removing ${path}`)
      return true
    },
    watch: async function* <T>(path: string, { resourceVersion, signal }: { resourceVersion: string; signal?: AbortSignal | undefined }) {
      const query = `watch=1&allowWatchBookmarks=true&resourceVersion=${encodeURIComponent(resourceVersion)}`
      const both = signal === undefined ? ctx.signal : AbortSignal.any([ctx.signal, signal])
      const response = await send({ method: 'GET', path: `${path}${path.includes('?') ? '&' : '?'}${query}`, signal: both })
      if ((response.statusCode ?? 0) >= 300) throw failureOf(response.statusCode ?? 0, await bodyOf(response), `watching ${path}`)
      const decoder = new StringDecoder('utf8')
      let rest = ''
      try {
        for await (const chunk of response) {
          const lines = (rest + decoder.write(chunk as Buffer)).split('\n')
          rest = lines.pop() ?? ''
          for (const line of lines) if (line !== '') yield parsed<WatchEvent<T>>(line)
        }
      } catch (error) {
        both.throwIfAborted()
        throw new KubeError(
          'unreachable',
          `the connection to the cluster broke: ${messageOf(error)}`,
          undefined,
          'run ksail cluster info to see what is down',
        )
      } finally {
        response.destroy()
      }
    },
    close: async () => {
      wire.close()
      await stop()
    },
  }
}

const open = async (ctx: Context, to: Access): Promise<Kube> => {
  const plain = await plainWire(ctx, to)
  if (plain !== undefined) return kubeOver(ctx, plain)
  const folder = await privateFolder(ctx, 'kube', { short: true })
  const socket = join(folder.path, 's')
  try {
    const said: string[] = []
    let serving: () => void = () => undefined
    const served = new Promise<void>((resolve) => void (serving = resolve))
    const child = await startProxy(ctx, to, socket, (line) => {
      said.push(line)
      if (line.startsWith('Starting to serve')) serving()
    })
    let limit: NodeJS.Timeout | undefined
    const late = new Promise<'late'>((resolve) => void (limit = setTimeout(() => resolve('late'), 20_000)))
    let interrupt: () => void = () => undefined
    const interrupted = new Promise<'interrupted'>((resolve) => void (interrupt = () => resolve('interrupted')))
    ctx.signal.addEventListener('abort', interrupt, { once: true })
    const outcome = await Promise.race([served.then(() => 'serving' as const), child.ended, late, interrupted]).finally(() => {
      clearTimeout(limit)
      ctx.signal.removeEventListener('abort', interrupt)
    })
    const stop = async (): Promise<void> => {
      await child.stop()
      await folder.remove()
    }
    if (outcome === 'serving') return kubeOver(ctx, socketWire(socket), stop)
    await stop()
    ctx.signal.throwIfAborted()
    if (outcome === 'late' || outcome === 'interrupted')
      throw new KubeError('unreachable', 'kubectl proxy did not start within 20 s', undefined, 'run the command again')
    const why = (outcome.stderr || said.join('\n')).replace(/^error: /i, '').trim()
    const missing = /context .* does not exist|no context exists|no such file/i.test(why)
    throw new KubeError(
      'unreachable',
      `cannot reach context ${to.context} of ${to.kubeconfig}: ${why || 'kubectl proxy ended at once'}`,
      undefined,
      missing ? 'run ksail cluster create, or pass --context' : 'run ksail cluster info to see what is down',
    )
  } catch (error) {
    await folder.remove()
    throw error
  }
}

/** Connections that a verb shares among its parts, by kubeconfig and context, and how many use them. */
const shares = new WeakMap<Context, { readonly connections: Map<string, Promise<Kube>>; users: number }>()

/**
 * Lets everything that `work` does with this context use one connection per cluster: starting `kubectl proxy` again for each part would be
 * most of the time of a short command. What was opened is closed when the last work that was begun meanwhile has ended.
 */
export const sharingKube = async <T>(ctx: Context, work: () => Promise<T>): Promise<T> => {
  const share = shares.get(ctx) ?? { connections: new Map<string, Promise<Kube>>(), users: 0 }
  shares.set(ctx, share)
  share.users++
  try {
    return await work()
  } finally {
    // a script may run several verbs at once with the same context
    if (--share.users === 0) {
      shares.delete(ctx)
      await Promise.all(
        [...share.connections.values()].map((it) =>
          it.then(
            (kube) => kube.close(),
            () => undefined,
          ),
        ),
      )
    }
  }
}

/**
 * The API of a cluster through one `kubectl proxy` on a unix socket that only this user can open: kubectl does the sign-in, except where
 * there is nothing to it (`plainWire`). `close` ends the child, or leaves it to `sharingKube`.
 *
 * @example
 * const kube = await connect(ctx, { kubeconfig, context: 'kind-dev' })
 * try { await kube.get('/version') } finally { await kube.close() }
 */
export const connect = async (ctx: Context, to: Access): Promise<Kube> => {
  const shared = shares.get(ctx)?.connections
  if (shared === undefined) return open(ctx, to)
  const key = `${to.kubeconfig}\0${to.context}`
  const known = shared.get(key) ?? open(ctx, to)
  shared.set(key, known)
  try {
    return { ...(await known), close: async () => undefined }
  } catch (error) {
    // the next part may have better luck: the context is written while a cluster is made
    if (shared.get(key) === known) shared.delete(key)
    throw error
  }
}
