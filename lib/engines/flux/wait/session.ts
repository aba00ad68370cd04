import { randomUUID } from 'node:crypto'
import type { KubeObject } from '../../../base/object.ts'
import type { Context } from '../../../base/context.ts'
import type { Target } from '../../../base/target.ts'
import { isTransient, KubeError } from '../../../tools/kube-failure.ts'
import type { Kube } from '../../../tools/kube.ts'
import { pathOf } from '../../../tools/kube-paths.ts'
import type { WaitOptions } from '../../engine.ts'
import { follow, type Store } from './store.ts'
import { REQUESTED_AT } from './objects.ts'
import { createAlarm, type Alarm } from './alarm.ts'

/** One wait: its clock, its connection and what it watches. */
export interface Session {
  readonly ctx: Context
  readonly target: Target
  readonly kube: Kube
  readonly options: WaitOptions
  /** Milliseconds since the wait began. */
  readonly now: () => number
  readonly alarm: Alarm
  /** The wait begins now: what came before was only getting ready. */
  readonly begin: () => void
  /** Ends every watch. */
  readonly end: () => void
  follow<T extends KubeObject<unknown, unknown>>(path: string): Promise<Store<T>>
  /** Asks a controller to look at an object now; returns the token that its status will carry when it has. */
  nudge(
    object: KubeObject<unknown, unknown>,
    kind: { readonly apiVersion: string; readonly kind: string },
    extra?: readonly string[],
  ): string
  /** Runs work beside the loop; its failure ends the wait. */
  aside(work: () => Promise<void>): void
  /** Throws what went wrong beside the loop. */
  check(): void
  /** Why what is known of the cluster may not be true any more; undefined: it is. */
  readonly lost: () => unknown
}

export const createSession = (ctx: Context, target: Target, kube: Kube, options: WaitOptions): Session => {
  let start = ctx.now()
  const now = (): number => ctx.now() - start
  const alarm = createAlarm(now)
  const stop = new AbortController()
  const signal = AbortSignal.any([ctx.signal, stop.signal])
  const losses = new Map<string, unknown>()
  let failure: { readonly error: unknown } | undefined
  const failed = (error: unknown): void => {
    failure ??= { error }
    alarm.ring()
  }
  ctx.signal.addEventListener('abort', alarm.ring, { once: true, signal: stop.signal })
  const aside = (work: () => Promise<void>): void => {
    work().then(alarm.ring, (error: unknown) => {
      if (!stop.signal.aborted) failed(error)
    })
  }
  return {
    ctx,
    target,
    kube,
    options,
    now,
    alarm,
    aside,
    begin: () => void (start = ctx.now()),
    end: () => stop.abort(),
    follow: (path) =>
      follow(ctx, kube, path, {
        signal,
        changed: alarm.ring,
        failed,
        lost: (error) => void (error === undefined ? losses.delete(path) : losses.set(path, error)),
      }),
    lost: () => [...losses.values()][0],
    nudge: (object, kind, extra = []) => {
      const token = randomUUID()
      const annotations = Object.fromEntries([REQUESTED_AT, ...extra].map((key) => [key, token]))
      // the manager that `flux reconcile` uses: Flux neither strips the annotation nor fights over it
      const patch = (): Promise<unknown> =>
        kube.patch(
          pathOf({ ...kind, metadata: object.metadata }),
          { metadata: { annotations } },
          { fieldManager: 'flux-client-side-apply' },
        )
      aside(async () => {
        for (let attempt = 1; ; attempt++) {
          try {
            return void (await patch())
          } catch (error) {
            // gone in this moment: its watch says so
            if (error instanceof KubeError && error.status === 404) return
            if (!(error instanceof KubeError) || !isTransient({ status: error.status, error: error.message }) || attempt >= 20) throw error
            await ctx.sleep(500)
          }
        }
      })
      return token
    },
    check: () => {
      ctx.signal.throwIfAborted()
      if (failure !== undefined) throw failure.error
    },
  }
}
