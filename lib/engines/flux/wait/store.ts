import { idOf, type KubeObject } from '../../../base/object.ts'
import { isTransient, KubeError } from '../../../tools/kube-failure.ts'
import type { Kube } from '../../../tools/kube.ts'
import { isKsailError, messageOf } from '../../../base/errors.ts'
import type { Context } from '../../../base/context.ts'

/** A collection of the API as it is now: listed once, then kept by a watch. */
export interface Store<T> {
  readonly items: () => readonly T[]
  /** Version of the first list: what has an older one was there before. */
  readonly startedAt: () => bigint
  /** The server's clock now, in milliseconds. */
  readonly serverNow: () => number | undefined
  /** Lists again, so that nothing that was true before this call is missing. */
  refresh(): Promise<void>
}

interface FollowOptions {
  readonly signal: AbortSignal
  readonly changed: () => void
  /** Called with what ends the watch for good. */
  readonly failed: (error: unknown) => void
  /** Called with why the collection cannot be read at this moment; undefined: it can be again. */
  readonly lost?: (error: unknown) => void
}

/** Order of changes. Versions count up through all kinds of one API server. */
export const versionOf = (it: KubeObject<unknown, unknown>): bigint =>
  BigInt(/^\d+$/.test(it.metadata.resourceVersion ?? '') ? it.metadata.resourceVersion! : 0)

const LISTING = { every: 500, times: 240 }

/** Reads again for two minutes what an API that is just starting, or a kind that is just being installed, does not answer. */
const patiently = async <T>(ctx: Context, signal: AbortSignal, read: () => Promise<T>): Promise<T> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await read()
    } catch (error) {
      signal.throwIfAborted()
      const heals =
        isKsailError(error) && isTransient({ status: error instanceof KubeError ? error.status : undefined, error: error.message })
      if (!heals || attempt >= LISTING.times) throw error
      if (attempt % 20 === 8) ctx.report({ kind: 'wait', text: `waiting for the cluster: ${messageOf(error)}` })
      await ctx.sleep(LISTING.every)
    }
  }
}

/** Lists a collection and follows it until `signal` ends that. A kind that is not served yet is asked for again. */
export const follow = async <T extends KubeObject<unknown, unknown>>(
  ctx: Context,
  kube: Kube,
  path: string,
  { signal, changed, failed, lost }: FollowOptions,
): Promise<Store<T>> => {
  const held = new Map<string, T>()
  const gone = new Map<string, bigint>()
  const put = (it: T): void => {
    const id = idOf(it)
    const known = held.get(id)
    const version = versionOf(it)
    if ((known === undefined || versionOf(known) <= version) && (gone.get(id) ?? -1n) < version) held.set(id, it)
  }
  let clock: { readonly server: number; readonly ours: number } | undefined
  const list = (): Promise<string> =>
    patiently(ctx, signal, async () => {
      const found = await kube.list<T>(path)
      if (found === undefined)
        throw new KubeError('unreachable', `the cluster does not serve ${path}`, 404, 'run ksail cluster create, which installs the engine')
      if (found.date !== undefined) clock = { server: found.date, ours: ctx.now() }
      const at = BigInt(/^\d+$/.test(found.resourceVersion) ? found.resourceVersion : 0)
      const ids = new Set(found.items.map(idOf))
      // what the list has not and the watch has not brought since is gone
      for (const [id, it] of held) if (!ids.has(id) && versionOf(it) <= at) held.delete(id)
      for (const it of found.items) put(it)
      return found.resourceVersion
    })
  let version = await list()
  const first = BigInt(/^\d+$/.test(version) ? version : 0)
  const keep = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        for await (const { type, object } of kube.watch<T>(path, { resourceVersion: version, signal })) {
          if (type === 'ERROR') {
            version = await list()
            changed()
            break
          }
          version = object.metadata.resourceVersion ?? version
          if (type === 'BOOKMARK') continue
          if (type === 'DELETED') {
            held.delete(idOf(object))
            gone.set(idOf(object), versionOf(object))
          } else put(object)
          changed()
        }
      } catch (error) {
        if (signal.aborted) return
        if (
          !isKsailError(error, 'unreachable') &&
          !(error instanceof KubeError && (error.status === 410 || isTransient({ status: error.status })))
        )
          throw error
        lost?.(error)
        await ctx.sleep(LISTING.every)
        version = await list()
        lost?.(undefined)
        changed()
      }
      // servers end a watch after some minutes; one that ends it at once must not be asked in a circle
      if (!signal.aborted) await ctx.sleep(20)
    }
  }
  keep().catch((error: unknown) => {
    if (!signal.aborted) failed(error)
  })
  const serverNow = (): number | undefined => (clock === undefined ? undefined : clock.server + ctx.now() - clock.ours)
  return { items: () => [...held.values()], startedAt: () => first, serverNow, refresh: async () => void (await list()) }
}
