import { readFileSync } from 'node:fs'
import { isKsailError, type KsailError } from '../../lib/base/errors.ts'

// each table has a form of its own, which its test knows
// oxlint-disable-next-line typescript/no-explicit-any
export interface Vector<I = any, E = any> {
  readonly name: string
  readonly input: I
  readonly expected: E
}

/** One table of test/vectors. */
// oxlint-disable-next-line typescript/no-explicit-any
export const vectors = <I = any, E = any>(name: string): readonly Vector<I, E>[] =>
  JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), 'utf8')) as Vector<I, E>[]

/** null as vectors write what is not given. */
export const nulls = (value: unknown): unknown => {
  if (value === undefined) return null
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, it]) => [key, nulls(it)]))
}

/** What a function gives, or `{ error: reason }` of the KsailError that it throws; other errors go on. */
export const outcome = async (run: () => unknown, extra: (error: KsailError) => object = () => ({})): Promise<unknown> => {
  try {
    return nulls(await run())
  } catch (error) {
    if (!isKsailError(error)) throw error
    return { error: error.reason, ...extra(error) }
  }
}
