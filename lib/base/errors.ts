/** Every code that an error can carry, with the exit status that the process ends with. Codes are for programs and never change. */
export const EXIT = {
  exec: 1,
  failed: 1,
  notReady: 1,
  auth: 1,
  bug: 1,
  usage: 2,
  config: 2,
  refused: 3,
  conflict: 4,
  timeout: 5,
  unresolved: 6,
  unreachable: 6,
  tool: 6,
  interrupted: 130,
  terminated: 143,
} as const

export type ErrorCode = keyof typeof EXIT

interface Details {
  /** One sentence that says what to do; lower case, no full stop. */
  readonly hint?: string | undefined
  readonly cause?: unknown
  /** Lines that belong below the message: places that were looked at, the child's own words, objects that are not ready. */
  readonly details?: readonly string[] | undefined
  /** The rule that was broken, as one word: finer than the code, such as `port` or `registry-stopped`. */
  readonly reason?: string | undefined
}

/**
 * What every verb throws when it cannot do what was asked: what happened, to what, why, and one hint.
 *
 * @example
 * try { await push() } catch (error) { if (error instanceof KsailError && error.code === 'refused') console.error(error.hint) }
 */
export class KsailError extends Error {
  override readonly name: string = 'KsailError'
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly details: readonly string[]
  readonly reason: string | undefined

  constructor(code: ErrorCode, message: string, { hint, cause, details, reason }: Details = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.hint = hint
    this.details = details ?? []
    this.reason = reason
  }

  get exitCode(): number {
    return EXIT[this.code]
  }
}

/** What was typed or written is wrong: status 2. */
export const usageError = (message: string, hint?: string): KsailError => new KsailError('usage', message, { hint })

/** A place in a file, as `ksail.yaml:3:5`. Lines and columns count from 1. */
export interface Place {
  readonly file: string
  readonly line?: number | undefined
  readonly column?: number | undefined
}

export const formatPlace = ({ file, line, column }: Place): string => [file, line, column].filter((part) => part !== undefined).join(':')

export const configError = (place: Place, message: string, hint?: string, reason?: string): KsailError =>
  new KsailError('config', `${formatPlace(place)}: ${message}`, { hint, reason })

export interface FailedCommand {
  readonly command: string
  readonly file: string
  readonly exitCode: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

/** A child process that failed. `result` keeps its own words; `details` are their last 20 lines. */
export class ExecError extends KsailError {
  override readonly name = 'ExecError'
  readonly result: FailedCommand

  constructor(code: ErrorCode, message: string, result: FailedCommand, hint?: string) {
    super(code, message, { hint, details: lastLines(result.stderr || result.stdout, 20) })
    this.result = result
  }
}

export const lastLines = (text: string, count: number): string[] =>
  text
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
    .slice(-count)

/** The message of whatever was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

export const isKsailError = (error: unknown, ...codes: readonly ErrorCode[]): error is KsailError =>
  error instanceof KsailError && (codes.length === 0 || codes.includes(error.code))
