import { readFile } from 'node:fs/promises'
import { KsailError, lastLines } from '../../base/errors.ts'
import type { ComponentName } from './components.ts'
import { logOf } from './process.ts'
import type { Unit } from './unit.ts'

interface Said {
  readonly portTaken: boolean
  /** What helps against what it complained of. */
  readonly remedy: string | undefined
  readonly words: readonly string[]
}

/** What programs complain of before they end, and what helps. */
const REMEDIES: readonly (readonly [RegExp, string])[] = [
  [/no space left on device|disk quota exceeded/i, 'make room on its disk'],
  [/too many open files|file descriptor limit/i, 'raise the limit of open files (ulimit -n)'],
]

/** A line of a log as people can read it; the whole one is in the log. */
const cut = (line: string): string => (line.length > 300 ? `${line.slice(0, 300)}…` : line)

/** The last words of a component since a moment of its log. */
export const said = async (unit: Unit, name: ComponentName, from: number): Promise<Said> => {
  const text = (await readFile(logOf(unit, name)).catch(() => Buffer.alloc(0))).subarray(from).toString('utf8')
  // below a panic of Go stands where it came from, not why
  const why = text.split(/^goroutine \d+ .*:$/m, 1)[0] ?? ''
  return {
    portTaken: /address already in use/i.test(text),
    remedy: REMEDIES.find(([complaint]) => complaint.test(text))?.[1],
    words: lastLines(why.trim() === '' ? text : why, 15).map(cut),
  }
}

/** Bytes of the log of a component: what comes after them is said from now on. */
export const lengthOf = async (unit: Unit, name: ComponentName): Promise<number> =>
  (await readFile(logOf(unit, name)).catch(() => Buffer.alloc(0))).length

/** A component that does not run any more, with its last words since a moment of its log. */
export const endedError = async (
  unit: Unit,
  name: ComponentName,
  { why, from = 0, code = 'failed' }: { readonly why?: string; readonly from?: number; readonly code?: 'failed' | 'conflict' } = {},
): Promise<KsailError> => {
  const { words, remedy } = await said(unit, name, from)
  return new KsailError(code, `${name} of cluster ${unit.cluster} has ended${why === undefined ? '' : `: ${why}`}`, {
    details: words,
    hint: `${remedy === undefined ? '' : `${remedy}; `}look at ${logOf(unit, name)}`,
  })
}
