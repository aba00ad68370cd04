import type { ErrorCode } from '../errors.ts'
import { HINTS } from './hints.ts'
import { prepare, type Failure, type Prepared } from './prepare.ts'
import { registryRules } from './registry.ts'
import type { FailureClass, FailureKind, Rule } from './rule.ts'
import { earlyRules, toolRules } from './tools.ts'

/** What a failure is, whether trying again may help, and what to do about it. */
export interface Verdict {
  readonly class: FailureClass
  readonly retry: boolean
  readonly kind: FailureKind
  /** Code of the error that is thrown when it stays. */
  readonly code: ErrorCode
  /** undefined: nobody knows, the tool's own words must do. */
  readonly hint: string | undefined
  /** The words that name the rule's hint, for programs. */
  readonly topic: string | undefined
  /** Seconds that the registry asks to wait. */
  readonly retryAfter: number | undefined
}

const RULES: readonly Rule[] = [...earlyRules, ...toolRules, ...registryRules]
const CODES: Readonly<Record<FailureClass, ErrorCode>> = {
  transient: 'failed',
  permanent: 'failed',
  auth: 'auth',
  config: 'config',
  environment: 'failed',
}

const holds = (rule: Rule, failure: Prepared): boolean =>
  (rule.tool === undefined || rule.tool === failure.tool) &&
  (rule.exit === undefined || rule.exit === failure.exitCode) &&
  (rule.text === undefined || rule.text.test(failure.text)) &&
  (rule.bare === undefined || rule.bare.test(failure.bare)) &&
  (rule.when === undefined || rule.when(failure))

const SECONDS = { ns: 1e-9, us: 1e-6, µs: 1e-6, μs: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600 } as const

/** Seconds of a `retry-after: 1m30s` in a text; a number without a unit is seconds. */
export const parseRetryAfter = (text: string): number | undefined => {
  const value = /retry-after:\s*((?:\d+(?:\.\d+)?(?:ns|us|µs|μs|ms|s|m|h))+|\d+(?:\.\d+)?)(?![\w.])/i.exec(text)?.[1]
  if (value === undefined) return undefined
  if (/^[\d.]+$/.test(value)) return Number(value)
  let total = 0
  for (const [, amount, unit] of value.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|μs|ms|s|m|h)/g))
    total += Number(amount) * SECONDS[unit as keyof typeof SECONDS]
  return total
}

interface Names {
  readonly repository?: string | undefined
}

/**
 * Names a failed child: what kind of fault its words are, whether to try again, and one hint. First rule that holds wins.
 *
 * @example
 * classify({ tool: 'oras', exitCode: 1, stderr: 'Error: denied: denied', registry: 'ghcr.io' }).retry // true
 */
export const classify = (failure: Failure, { repository }: Names = {}): Verdict => {
  const prepared = prepare(failure)
  const rule = RULES.find((it) => holds(it, prepared))
  if (rule === undefined)
    return { class: 'permanent', retry: false, kind: 'ordinary', code: 'failed', hint: undefined, topic: undefined, retryAfter: undefined }
  const hint = HINTS[rule.hint]
  // a registry may send to another host, whose name it then is
  const host = rule.hint === 'DNS' ? /\blookup ([\w.-]+)/.exec(prepared.text)?.[1] : undefined
  return {
    class: rule.class,
    retry: rule.retry === true,
    kind: rule.kind ?? 'ordinary',
    code: hint?.code ?? CODES[rule.class],
    hint: hint?.text
      .replaceAll(/\bHOST\b/g, host ?? failure.registry ?? 'the registry')
      .replaceAll(/\bREPO\b/g, repository ?? 'the repository')
      .replaceAll(/\bTOOL\b/g, failure.tool),
    topic: rule.hint,
    retryAfter: parseRetryAfter(prepared.text),
  }
}
