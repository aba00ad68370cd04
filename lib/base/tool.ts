import type { ErrorCode } from './errors.ts'

export interface ToolFailure {
  readonly match: RegExp
  readonly code: ErrorCode
  readonly message?: string
  readonly hint: string
}

/** A program that ksail composes: what it is called, which versions are accepted, what its complaints mean. */
export interface Tool {
  readonly name: string
  readonly summary: string
  /** The semver range that a program on PATH must satisfy. */
  readonly accepts: string
  /** The words that make it print its version. */
  readonly version: readonly string[]
  readonly parse?: (output: string) => string | undefined
  readonly failures?: readonly ToolFailure[]
  /** Where a person gets it. */
  readonly home: string
}
