import type { Context } from '../../base/context.ts'

/** How long something may take, and what ends the wait before. */
export interface Patience {
  /** On the clock of the context. */
  readonly until: number
  readonly signal?: AbortSignal | undefined
}

export const patienceOf = (ctx: Pick<Context, 'now'>, timeout: number, signal?: AbortSignal): Patience => ({
  until: ctx.now() + timeout,
  signal,
})

/** Whether time is up; throws when what it was for has failed elsewhere. */
export const isOver = (ctx: Pick<Context, 'now'>, { until, signal }: Patience): boolean => {
  signal?.throwIfAborted()
  return ctx.now() >= until
}
