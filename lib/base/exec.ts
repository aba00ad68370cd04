export interface ExecOptions {
  /** Written to the child's stdin; without it stdin is closed. */
  readonly input?: string | Uint8Array | undefined
  /** Added to the environment of the context; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  readonly cwd?: string | undefined
  /** Milliseconds until the child is ended (SIGTERM, after 5 s SIGKILL); the error has code `timeout`. */
  readonly timeout?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** Exit codes that are not an error; default `[0]`. */
  readonly accept?: readonly number[] | 'any' | undefined
  /** What it prints is a secret: no line of it is reported. */
  readonly quiet?: boolean | undefined
  /** Called when the child runs. */
  readonly onStart?: (() => void) | undefined
  /** Called with each whole line as it comes. */
  readonly onLine?: ((line: string, stream: 'stdout' | 'stderr') => void) | undefined
}

export interface ExecResult {
  readonly stdout: string
  readonly stderr: string
  readonly exitCode: number
}

/** Runs a program without a shell and waits for its end. Throws ExecError unless the exit code is accepted. */
export type Exec = (file: string, args?: readonly string[], options?: ExecOptions) => Promise<ExecResult>

export interface Child {
  readonly pid: number
  /** Settles when the child has ended; never rejects. */
  readonly ended: Promise<{ readonly exitCode: number | null; readonly stderr: string }>
  /** Ends the child and what it started (SIGTERM, after a moment SIGKILL) and waits for it. */
  stop(): Promise<void>
}

/** Starts a helper that lives as long as the command, such as `kubectl proxy`. */
export type Spawn = (file: string, args: readonly string[], options?: Pick<ExecOptions, 'env' | 'cwd' | 'onLine'>) => Child
