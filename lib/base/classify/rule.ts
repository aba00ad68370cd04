import type { HINTS } from './hints.ts'
import type { Prepared } from './prepare.ts'

export type FailureClass = 'transient' | 'permanent' | 'auth' | 'config' | 'environment'

/** `secondary` and `rate` wait as the registry asks; `expiry` is a sign-in that ran out on the way. */
export type FailureKind = 'ordinary' | 'rate' | 'secondary' | 'expiry'

/** One line of the table: every condition that is given must hold. */
export interface Rule {
  readonly tool?: string
  readonly exit?: number
  /** Matched on the whole text. */
  readonly text?: RegExp
  /** Matched on the text without URLs, digests, references and addresses. */
  readonly bare?: RegExp
  readonly when?: (failure: Prepared) => boolean
  readonly class: FailureClass
  readonly retry?: boolean
  readonly hint: keyof typeof HINTS & string
  readonly kind?: FailureKind
}
