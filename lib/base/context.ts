import type { Exec, Spawn } from './exec.ts'
import type { Reporter } from './events.ts'
import type { Tool } from './tool.ts'

export interface Asker {
  /** False where nobody can answer: stdin or stderr is no terminal. */
  readonly available: boolean
  confirm(question: string, initial?: boolean): Promise<boolean>
  /** `check` throws what is wrong with an answer: the question stays until it has one that is right. */
  text(question: string, initial?: string, check?: (answer: string) => void): Promise<string>
  select(question: string, choices: readonly string[], initial?: string): Promise<string>
}

/** Everything that a verb may touch besides its arguments. */
export interface Context {
  /** Absolute; a relative one that is given counts from the folder of the process. */
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly platform: NodeJS.Platform
  readonly exec: Exec
  readonly spawn: Spawn
  readonly report: Reporter
  readonly ask: Asker
  /** A verb that it ends undoes what it made and throws the signal's reason: of the command a KsailError `interrupted` or `terminated`. */
  readonly signal: AbortSignal
  readonly fetch: typeof fetch
  /** The path of a tool in an accepted version; throws `tool`. */
  readonly locate: (tool: Tool) => Promise<string>
  readonly now: () => number
  readonly sleep: (ms: number) => Promise<void>
  readonly random: () => number
  /** The same context for undoing and tidying up: an interrupt does not abort what it runs. */
  readonly cleanup: () => Context
  /** Values that must never be printed: what was read from credentials or expanded from placeholders. */
  readonly secrets: Set<string>
}
