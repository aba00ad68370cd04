import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'
import { ExecError, isKsailError, KsailError, lastLines, type FailedCommand } from '../base/errors.ts'
import { redact } from '../base/redact.ts'
import { formatDuration } from '../base/duration.ts'
import type { Exec, ExecOptions, Spawn } from '../base/exec.ts'
import type { Reporter } from '../base/events.ts'
import { host } from './host.ts'

interface Settings {
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly report: Reporter
  readonly signal: AbortSignal
  readonly secrets: ReadonlySet<string>
}

/** How long a child has between SIGTERM and SIGKILL. */
const GRACE = 5000
/** A process without a limit could hang for ever on a silent server: every child has one. */
const DEFAULT_TIMEOUT = 15 * 60_000

const quoteWord = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)

/** A command as it could be pasted into a shell. */
export const formatCommand = (file: string, args: readonly string[]): string =>
  [file.split('/').at(-1) ?? file, ...args].map(quoteWord).join(' ')

/** A command with what it reads from stdin, as it could be pasted into a shell. */
export const withInput = (command: string, input: string): string => `${command} <<'EOF'\n${input.trimEnd()}\nEOF`

/** Ends a child with everything it started: children run in a process group of their own, so that Ctrl-C reaches them through us alone. */
const killGroup = (child: ChildProcess, signal: NodeJS.Signals): void => {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  try {
    if (host.platform === 'win32') child.kill(signal)
    else host.kill(-child.pid, signal)
  } catch {
    // it ended a moment ago
  }
}

const live = new Set<ChildProcess>()

const track = <C extends ChildProcess>(child: C): C => {
  live.add(child)
  // error: it never started, and there is no close
  for (const event of ['close', 'error']) child.once(event, () => live.delete(child))
  return child
}

/** Ends every child at once, without a chance to clean up: for the second Ctrl-C. */
export const killChildren = (): void => {
  for (const child of live) killGroup(child, 'SIGKILL')
}

const ending = (child: ChildProcess): (() => void) => {
  let timer: NodeJS.Timeout | undefined
  return () => {
    if (timer !== undefined) return
    killGroup(child, 'SIGTERM')
    timer = setTimeout(() => killGroup(child, 'SIGKILL'), GRACE)
    timer.unref()
    child.once('close', () => clearTimeout(timer))
  }
}

/** Whole lines out of chunks; a character that is split between two chunks stays whole. */
const lines = (emit: (line: string) => void): { write(chunk: Buffer): string; end(): string } => {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  const take = (text: string): string => {
    rest += text
    const parts = rest.split(/\r?\n/)
    rest = parts.pop() ?? ''
    for (const line of parts) emit(line)
    return text
  }
  return {
    write: (chunk) => take(decoder.write(chunk)),
    end: () => {
      const tail = take(decoder.end())
      if (rest !== '') emit(rest)
      return tail
    },
  }
}

const environment = (base: Settings['env'], over: ExecOptions['env']): NodeJS.ProcessEnv => {
  const env: NodeJS.ProcessEnv = { ...base, ...over }
  for (const [key, value] of Object.entries(env)) if (value === undefined) delete env[key]
  return env
}

/**
 * Exec over zx: no shell, no inherited ZX_* option, stdin closed unless there is input, always a time limit.
 *
 * @example
 * const exec = createExec({ cwd: '.', env: {}, report: () => {}, signal: new AbortController().signal, secrets: new Set() })
 */
export const createExec =
  (settings: Settings): Exec =>
  async (file, args = [], options = {}) => {
    const { $ } = await import('zx/core')
    const { input, timeout = DEFAULT_TIMEOUT, accept = [0], onLine } = options
    const command = redact(formatCommand(file, args), settings.secrets)
    settings.report({ kind: 'command', command })
    const limit = AbortSignal.timeout(timeout)
    const signal = AbortSignal.any([settings.signal, limit, ...(options.signal === undefined ? [] : [options.signal])])
    const interrupted = (): KsailError =>
      isKsailError(signal.reason) ? signal.reason : new KsailError('timeout', `${command} took longer than ${formatDuration(timeout)}`)
    if (signal.aborted) throw interrupted()
    let started: ChildProcess | undefined
    let spawnError: NodeJS.ErrnoException | undefined
    const output = { stdout: '', stderr: '' }
    const start = (): ChildProcess => {
      const child = track(
        spawn(file, [...args], {
          cwd: options.cwd ?? settings.cwd,
          env: environment(settings.env, options.env),
          shell: false,
          detached: host.platform !== 'win32',
          stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
        }),
      )
      started = child
      options.onStart?.()
      child.once('error', (error) => void (spawnError = error))
      for (const name of ['stdout', 'stderr'] as const) {
        const reader = lines((line) => {
          if (options.quiet !== true) settings.report({ kind: 'output', text: redact(line, settings.secrets) })
          onLine?.(line, name)
        })
        child[name]?.on('data', (chunk: Buffer) => void (output[name] += reader.write(chunk)))
        child[name]?.on('end', () => void (output[name] += reader.end()))
      }
      if (input !== undefined) {
        // a child that ends without reading its input breaks the pipe: its exit code says why
        child.stdin?.on('error', () => undefined)
        child.stdin?.end(input)
      }
      return child
    }
    const zx = $({
      spawn: ((_line: string, _words: unknown, _options: unknown) => start()) as unknown as typeof spawn,
      nothrow: true,
      quiet: true,
      verbose: false,
      shell: true,
      quote: quoteWord,
      prefix: '',
      postfix: '',
      preferLocal: false,
      detached: true,
    })
    const promise = zx`${command}`
    const end = (): void => started && ending(started)()
    signal.addEventListener('abort', end, { once: true })
    let result: { readonly exitCode: number | null; readonly signal: string | null }
    try {
      result = await promise
    } finally {
      signal.removeEventListener('abort', end)
    }
    if (signal.aborted) throw interrupted()
    const failed: FailedCommand = {
      command,
      file,
      exitCode: result.exitCode,
      signal: result.signal,
      stdout: redact(output.stdout, settings.secrets),
      stderr: redact(output.stderr, settings.secrets),
    }
    if (spawnError !== undefined) {
      const missing = spawnError.code === 'ENOENT' || spawnError.code === 'EACCES'
      throw new ExecError(missing ? 'tool' : 'exec', `could not run ${file}: ${spawnError.message}`, failed)
    }
    const exitCode = result.exitCode ?? 128
    if (accept !== 'any' && !accept.includes(exitCode)) {
      const why = result.signal ? `was ended by ${result.signal}` : `failed with exit status ${exitCode}`
      throw new ExecError('exec', `${formatCommand(file, args.slice(0, 2))} ${why}`, failed)
    }
    return { ...output, exitCode }
  }

/** Starts a helper that is stopped before the command ends. */
export const createSpawn =
  (settings: Settings): Spawn =>
  (file, args, options = {}) => {
    settings.report({ kind: 'command', command: redact(formatCommand(file, args), settings.secrets) })
    const child = track(
      spawn(file, [...args], {
        cwd: options.cwd ?? settings.cwd,
        env: environment(settings.env, options.env),
        detached: host.platform !== 'win32',
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    )
    let stderr = ''
    for (const name of ['stdout', 'stderr'] as const) {
      const reader = lines((line) => options.onLine?.(line, name))
      child[name].on('data', (chunk: Buffer) => {
        const text = reader.write(chunk)
        if (name === 'stderr') stderr = (stderr + text).slice(-10_000)
      })
      child[name].on('end', () => void reader.end())
    }
    const ended = new Promise<{ exitCode: number | null; stderr: string }>((resolve) => {
      child.once('error', (error) => resolve({ exitCode: null, stderr: error.message }))
      child.once('close', (exitCode) => resolve({ exitCode, stderr: redact(lastLines(stderr, 20).join('\n'), settings.secrets) }))
    })
    const end = ending(child)
    return {
      pid: child.pid ?? -1,
      ended,
      stop: async () => {
        end()
        await ended
      },
    }
  }

export interface DetachedOptions {
  readonly cwd: string
  /** The whole environment: nothing of ours is passed on, as the process outlives us. */
  readonly env: Readonly<Record<string, string>>
  /** File that gets what it prints, at its end. */
  readonly log: string
}

export interface Detached {
  readonly pid: number
  /** Settles when it ends while we still run; never rejects. */
  readonly ended: Promise<{ readonly exitCode: number | null; readonly why: string }>
}

/** Starts a process that outlives this one: a session of its own, no terminal, its words in a file. */
export const spawnDetached = (
  { report, secrets }: Pick<Settings, 'report' | 'secrets'>,
  file: string,
  args: readonly string[],
  { cwd, env, log }: DetachedOptions,
): Detached => {
  report({ kind: 'command', command: redact(formatCommand(file, args), secrets) })
  const output = openSync(log, 'a', 0o600)
  try {
    const child = spawn(file, [...args], { cwd, env: { ...env }, detached: true, stdio: ['ignore', output, output] })
    const ended = new Promise<{ exitCode: number | null; why: string }>((resolve) => {
      child.once('error', (error) => resolve({ exitCode: null, why: error.message }))
      child.once('exit', (exitCode, signal) =>
        resolve({ exitCode, why: signal === null ? `exit status ${exitCode}` : `ended by ${signal}` }),
      )
    })
    child.unref()
    return { pid: child.pid ?? -1, ended }
  } finally {
    closeSync(output)
  }
}
