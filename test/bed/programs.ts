import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** The command line tool as it is published: built, not from source. */
export const KSAIL = fileURLToPath(new URL('../../dist/bin/ksail.js', import.meta.url))

export interface Run {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  readonly ms: number
}

export interface Running {
  readonly child: ChildProcess
  readonly done: Promise<Run>
  /** Settles when a line of stderr (or stdout) matches; rejects when the program ends before. */
  readonly line: (pattern: RegExp) => Promise<string>
}

interface RunOptions {
  readonly cwd?: string | undefined
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  readonly input?: string | undefined
}

/** Starts a program without a shell and collects what it says. */
export const start = (file: string, args: readonly string[], { cwd, env = {}, input }: RunOptions = {}): Running => {
  const begin = performance.now()
  const child = spawn(file, args, { cwd, env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] })
  let [stdout, stderr] = ['', '']
  const waiting = new Set<{ pattern: RegExp; resolve: (line: string) => void; reject: (error: Error) => void }>()
  const settle = (line: string): void => {
    for (const one of [...waiting].filter(({ pattern }) => pattern.test(line))) {
      waiting.delete(one)
      one.resolve(line)
    }
  }
  const lines = (): ((chunk: string) => void) => {
    let rest = ''
    return (chunk) => {
      const parts = (rest + chunk).split(/\r?\n|\r/)
      rest = parts.pop() ?? ''
      for (const part of parts) settle(part)
    }
  }
  const [outLines, errLines] = [lines(), lines()]
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => ((stdout += chunk), outLines(chunk)))
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => ((stderr += chunk), errLines(chunk)))
  child.stdin.on('error', () => undefined)
  if (input !== undefined) child.stdin.end(input)
  const done = new Promise<Run>((resolve, reject) => {
    child.once('error', reject)
    // `exit`, not `close`: what a killed program started may hold its pipes open for minutes
    child.once('exit', (code) =>
      setImmediate(() => {
        for (const { pattern, reject: fail } of waiting)
          fail(new Error(`${file} ${args.join(' ')} ended with ${code} before it said ${pattern}:\n${stdout}${stderr}`))
        resolve({ code, stdout, stderr, ms: Math.round(performance.now() - begin) })
      }),
    )
  })
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const line = (pattern: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const said = `${stdout}\n${stderr}`.split(/\r?\n|\r/).find((it) => pattern.test(it))
      if (said === undefined) waiting.add({ pattern, resolve, reject })
      else resolve(said)
    })
  return {
    child,
    line,
    done: done.then(async (result) => {
      if (child.signalCode !== null) return result
      await closed
      return { ...result, stdout, stderr }
    }),
  }
}

/** Runs a program to its end. */
export const run = (file: string, args: readonly string[], options: RunOptions = {}): Promise<Run> =>
  start(file, args, { input: '', ...options }).done

/** The standard output of a program that must succeed. */
export const output = async (file: string, ...args: readonly string[]): Promise<string> => {
  const result = await run(file, args)
  if (result.code !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${result.code}: ${result.stderr}`)
  return result.stdout.trim()
}

/** Asks again until the answer is right or the time is over: for what a process that just ended leaves to its kernel. */
export const eventually = async <T>(ask: () => T | Promise<T>, right: (answer: T) => boolean, ms = 20_000): Promise<T> => {
  const end = performance.now() + ms
  for (;;) {
    const answer = await ask()
    if (right(answer) || performance.now() > end) return answer
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** The one digest of a result line `oci://…@sha256:…`. */
export const digestOf = (text: string): string => {
  const digest = /sha256:[0-9a-f]{64}/.exec(text)?.[0]
  if (digest === undefined) throw new Error(`no digest in: ${text}`)
  return digest
}

export const linesOf = (text: string): string[] => text.split('\n').filter(Boolean).toSorted()
