import type { ErrorCode } from './errors.ts'

/** What a verb tells while it works. The reporter makes text of it; a script that passes its own reporter gets the data. */
export type Event =
  | { readonly kind: 'step'; readonly text: string }
  | { readonly kind: 'done'; readonly text: string; readonly ms: number }
  /** A step that could not be done, where another way is tried. */
  | { readonly kind: 'missed'; readonly text: string; readonly why: string }
  /** Something worth knowing that is neither a step nor a problem. */
  | { readonly kind: 'note'; readonly text: string }
  | { readonly kind: 'warn'; readonly text: string }
  /** What a wait is blocked by at this moment. */
  | { readonly kind: 'wait'; readonly text: string }
  | {
      readonly kind: 'progress'
      readonly text: string
      readonly done: number
      readonly total: number | undefined
      readonly unit: 'bytes' | 'items'
    }
  /** A child process as it could be pasted, secrets redacted. */
  | { readonly kind: 'command'; readonly command: string }
  /** A line that a child printed. */
  | { readonly kind: 'output'; readonly text: string }
  /** Attempt number `attempt` failed, from 1; the next one begins in `ms`. */
  | { readonly kind: 'retry'; readonly text: string; readonly attempt: number; readonly of: number; readonly ms: number }
  | { readonly kind: 'file'; readonly action: 'created' | 'kept' | 'overwrote' | 'removed'; readonly path: string }
  | { readonly kind: 'timing'; readonly text: string; readonly at: number; readonly ms: number }
  | {
      readonly kind: 'error'
      readonly code: ErrorCode
      readonly message: string
      readonly hint: string | undefined
      readonly details: readonly string[]
    }

export type Reporter = (event: Event) => void

/** A wait that takes longer than this is told (ms), and again when something else blocks it then. */
const SILENCE = 5000

/** Says what is waited for when work takes long: `what` is asked in that moment. */
export const telling = async <T>(
  { report }: { readonly report: Reporter },
  what: () => string | Promise<string>,
  work: Promise<T>,
  silence = SILENCE,
): Promise<T> => {
  let told = ''
  let over = false
  const look = async (): Promise<void> => {
    const text = await what()
    if (!over && text !== told) report({ kind: 'wait', text })
    told = text
  }
  // a look that fails is no news: what is waited for tells its own failure
  const timer = setInterval(() => void look().catch(() => undefined), silence)
  try {
    return await work
  } finally {
    over = true
    clearInterval(timer)
  }
}

/** Reports a step, does the work, reports how long it took. A failure is the error's to tell. */
export const step = async <T>(
  ctx: { readonly report: Reporter; readonly now: () => number },
  text: string,
  work: () => Promise<T>,
): Promise<T> => {
  const start = ctx.now()
  ctx.report({ kind: 'step', text })
  const result = await work()
  ctx.report({ kind: 'done', text, ms: ctx.now() - start })
  return result
}
