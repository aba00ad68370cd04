import { isKsailError, KsailError, messageOf } from './errors.ts'
import type { Context } from './context.ts'

/** What an action would run, as it could be pasted into a shell. */
export interface Preview {
  /** None: nothing is left to do. */
  readonly commands: readonly string[]
  /** What it would do besides, or instead, in words. */
  readonly says?: string | undefined
}

/** One thing that a plan does. `after` names actions by title; each runs as early as they allow. */
export interface Action {
  readonly title: string
  readonly after?: readonly string[] | undefined
  /** What doing it would run, without doing it; without one nothing is run. */
  readonly preview?: (() => Promise<Preview>) | undefined
  /** Does it, or finds it done. `made` is called with the way back as soon as there is something to undo. */
  do(made: (undo: () => Promise<void>) => void, signal: AbortSignal): Promise<void>
}

export interface Timing {
  readonly title: string
  /** Milliseconds since the plan began. */
  readonly at: number
  readonly ms: number
}

interface PerformOptions {
  /** Keeps what was made when an action fails. */
  readonly retain?: boolean
  /** Called before anything is undone, while everything is still there to be looked at. */
  readonly beforeUndo?: () => Promise<void>
}

/**
 * Performs a graph of actions, each as early as what it names in `after` allows. When one fails the others are aborted and waited for,
 * then what this run made is undone, last first, and the first failure is thrown. What was there before is never undone.
 *
 * @example
 * await perform(ctx, [{ title: 'a', do: async () => {} }, { title: 'b', after: ['a'], do: async () => {} }])
 */
export const perform = async (
  ctx: Context,
  actions: readonly Action[],
  { retain = false, beforeUndo }: PerformOptions = {},
): Promise<readonly Timing[]> => {
  const start = ctx.now()
  const timings: Timing[] = []
  const undos: { title: string; undo: () => Promise<void> }[] = []
  const stop = new AbortController()
  const signal = AbortSignal.any([ctx.signal, stop.signal])
  const running = new Map<string, Promise<void>>()
  let failure: { error: unknown } | undefined
  for (const action of actions) {
    const needs = (action.after ?? []).map((title) => {
      const needed = running.get(title)
      if (needed === undefined) throw new KsailError('bug', `the plan has no action "${title}" before "${action.title}"`)
      return needed
    })
    const run = async (): Promise<void> => {
      await Promise.all(needs)
      signal.throwIfAborted()
      const at = ctx.now() - start
      ctx.report({ kind: 'step', text: action.title })
      await action.do((undo) => void undos.push({ title: action.title, undo }), signal)
      const ms = ctx.now() - start - at
      timings.push({ title: action.title, at, ms })
      ctx.report({ kind: 'done', text: action.title, ms })
    }
    const promise = run().catch((error: unknown) => {
      if (failure === undefined) {
        failure = { error }
        stop.abort(error)
      }
      throw error
    })
    // every promise is awaited below by allSettled; this only keeps an early failure from being called unhandled
    promise.catch(() => undefined)
    running.set(action.title, promise)
  }
  await Promise.allSettled(running.values())
  if (failure === undefined) return timings
  const error = ctx.signal.aborted ? ctx.signal.reason : failure.error
  if (!retain && undos.length > 0) {
    await beforeUndo?.().catch((why: unknown) => ctx.report({ kind: 'warn', text: `could not save logs: ${messageOf(why)}` }))
    let told = ''
    for (const { title, undo } of undos.toReversed()) {
      if (title !== told) ctx.report({ kind: 'note', text: `undoing: ${title}` })
      told = title
      await undo().catch((why: unknown) => ctx.report({ kind: 'warn', text: `could not undo "${title}": ${messageOf(why)}` }))
    }
  }
  throw isKsailError(error) ? error : (error ?? new KsailError('bug', 'the plan failed without a reason'))
}
