import type { Verdict } from './classify/index.ts'
import type { FailureKind } from './classify/rule.ts'
import type { Context } from './context.ts'
import { ExecError, isKsailError, KsailError, lastLines, messageOf } from './errors.ts'

interface Attempt {
  /** The attempt that just failed, from 1. */
  readonly attempt: number
  readonly attempts: number
  readonly retry: boolean
  readonly kind: FailureKind
  /** Seconds that the registry asked for. */
  readonly retryAfter: number | undefined
  /** In [0, 1). */
  readonly random: number
}

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value))

/** Seconds to wait before the next attempt; undefined: there is none. */
export const backoff = ({ attempt, attempts, retry, kind, retryAfter, random }: Attempt): number | undefined => {
  if (!retry || attempt >= attempts) return undefined
  // once: whoever hits the secondary limit again has to come back much later
  if (kind === 'secondary') return attempt === 1 ? 60 : undefined
  if (kind === 'rate') return retryAfter === undefined ? 5 + 10 * random : clamp(retryAfter, 1, 60)
  return Math.max(0.5, random * Math.min(10, 2 * 2 ** (attempt - 1)))
}

export interface RetryOptions<T> {
  readonly attempts: number
  /** Milliseconds from the first attempt within which the last one must end. */
  readonly budget: number
  /** Milliseconds that one attempt may take. */
  readonly limit: number
  /** What a failure means; undefined: nothing known, it is thrown as it is. */
  readonly judge: (error: unknown) => Verdict | undefined
  /** Asked after each failure: the work may have been done although its answer was lost. */
  readonly done?: (error: unknown, verdict: Verdict) => Promise<T | undefined>
}

/** The line of a child's words that says what went wrong. */
export const causeOf = (error: unknown): string => {
  if (!(error instanceof ExecError)) return messageOf(error)
  const lines = error.result.stderr.split(/\r?\n/).filter((line) => line.trim() !== '')
  const line = lines.find((it) => /^\s*(✗|error\b)/i.test(it)) ?? lines[0] ?? error.message
  return line.replace(/<(?:html|!doctype)[^]*$/i, '').trim()
}

/**
 * Does the work again where that may help: waits with jitter, or as long as the registry asks, never beyond the budget. Each retry is
 * reported. Cancelling stops it at once.
 *
 * @example
 * await retry(ctx, (timeout) => oras.copy(ctx, from, to, { timeout }), { attempts: 3, budget: 180_000, limit: 90_000, judge })
 */
export const retry = async <T>(ctx: Context, work: (timeout: number) => Promise<T>, options: RetryOptions<T>): Promise<T> => {
  const { attempts, budget, limit, judge, done } = options
  const { default: pRetry } = await import('p-retry')
  const start = ctx.now()
  const left = (): number => budget - (ctx.now() - start)
  const attempt = async (): Promise<T> => {
    try {
      return await work(Math.max(1, Math.floor(Math.min(limit, left()))))
    } catch (error) {
      if (isKsailError(error, 'interrupted', 'terminated')) throw error
      ctx.signal.throwIfAborted()
      const verdict = judge(error)
      const value = verdict === undefined ? undefined : await done?.(error, verdict)
      if (value === undefined) throw error
      return value
    }
  }
  return pRetry(attempt, {
    retries: attempts - 1,
    // how long to wait depends on what failed: the waiting is ours
    minTimeout: 0,
    signal: ctx.signal,
    shouldRetry: async ({ error, attemptNumber }) => {
      const verdict = isKsailError(error, 'interrupted', 'terminated') ? undefined : judge(error)
      if (verdict === undefined) return false
      const seconds = backoff({
        attempt: attemptNumber,
        attempts,
        retry: verdict.retry,
        kind: verdict.kind,
        retryAfter: verdict.retryAfter,
        random: ctx.random(),
      })
      if (seconds === undefined || seconds * 1000 >= left()) return false
      const text = `${causeOf(error)} (${verdict.topic ?? verdict.class})`
      ctx.report({ kind: 'retry', attempt: attemptNumber, of: attempts, ms: seconds * 1000, text })
      await ctx.sleep(seconds * 1000)
      return true
    },
  })
}

/** A failed child as the error that people see: its own words, the hint and the code of what it is. */
export const explain = (error: unknown, verdict: Verdict | undefined, what: string): unknown => {
  if (!(error instanceof KsailError) || verdict?.hint === undefined) return error
  if (!(error instanceof ExecError))
    return new KsailError(error.code === 'timeout' ? 'timeout' : verdict.code, `${what}: ${error.message}`, {
      hint: verdict.hint,
      details: error.details,
      cause: error,
    })
  const lines = lastLines(error.result.stderr, 20)
  return new KsailError(verdict.code, `${what}: ${causeOf(error)}`, {
    hint: verdict.hint,
    details: lines.length > 1 ? lines : [],
    cause: error,
  })
}
