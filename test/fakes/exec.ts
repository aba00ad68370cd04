import { ExecError } from '../../lib/base/errors.ts'
import type { Exec, ExecOptions, ExecResult } from '../../lib/base/exec.ts'

type Answer = string | Partial<ExecResult>
type Row = Answer | Error | ((args: readonly string[], options: ExecOptions) => Answer | Promise<Answer>)

export interface Call {
  /** The program and its words, joined by blanks. */
  readonly command: string
  readonly file: string
  readonly args: readonly string[]
  readonly options: ExecOptions
}

const matches = (pattern: string, command: string): boolean =>
  new RegExp(
    `^${pattern
      .split('*')
      .map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
      .join('[^]*')}$`,
  ).test(command)

/**
 * An exec that knows only its table: `{ 'kind get clusters': 'dev\n', 'flux push *': { exitCode: 1, stderr: 'denied' } }`. An exact row goes
 * before a pattern, then the order of the table counts. A row may be text (stdout), a result, an error to throw, or a function of the words.
 */
export const fakeExec = (
  table: Readonly<Record<string, Row>> = {},
): Exec & { readonly calls: Call[]; readonly commands: () => string[] } => {
  const calls: Call[] = []
  const exec: Exec = async (file, args = [], options = {}) => {
    const name = file.split('/').at(-1) ?? file
    const command = [name, ...args].join(' ')
    calls.push({ command, file, args, options })
    options.signal?.throwIfAborted()
    const key = Object.hasOwn(table, command)
      ? command
      : Object.keys(table).find((pattern) => pattern.includes('*') && matches(pattern, command))
    if (key === undefined) throw new Error(`the fake exec was not told about: ${command}`)
    const row = table[key]!
    if (row instanceof Error) throw row
    const answer = typeof row === 'function' ? await row(args, options) : row
    const result: ExecResult = { stdout: '', stderr: '', exitCode: 0, ...(typeof answer === 'string' ? { stdout: answer } : answer) }
    for (const stream of ['stdout', 'stderr'] as const)
      for (const line of result[stream].split('\n').filter(Boolean)) options.onLine?.(line, stream)
    const accept = options.accept ?? [0]
    if (accept !== 'any' && !accept.includes(result.exitCode))
      throw new ExecError('exec', `${[name, ...args.slice(0, 2)].join(' ')} failed with exit status ${result.exitCode}`, {
        command,
        file,
        signal: null,
        ...result,
      })
    return result
  }
  return Object.assign(exec, { calls, commands: () => calls.map(({ command }) => command) })
}

/** A locate that finds every tool by its name alone. */
export const fakeLocate = (tool: { readonly name: string }): Promise<string> => Promise.resolve(tool.name)
