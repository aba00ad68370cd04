import { isKsailError, type KsailError } from '../../lib/base/errors.ts'

/** One row of a table, as it stands there. Each table has a form of its own, which its topic knows. */
export type Row = Readonly<Record<string, any>>

export interface Judged {
  readonly got: unknown
  readonly want: unknown
}

/** Runs a row through the library: what it gives, and what it should give. */
export type Topic = (row: Row) => Promise<Judged>

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

/** A topic whose rows hold `input` and `expected`; `extra` tells more of an error than its reason. */
export const gives =
  (run: (input: any, expected: any) => unknown, extra?: (error: KsailError) => object): Topic =>
  async ({ input, expected }) => ({ got: await outcome(() => run(input, expected), extra), want: expected })

/** The keys of an object that the expectation names. */
export const only = (value: unknown, wanted: unknown): unknown =>
  typeof value === 'object' && value !== null && typeof wanted === 'object' && wanted !== null
    ? Object.fromEntries(Object.keys(wanted).map((key) => [key, (value as Row)[key] ?? null]))
    : value

/** null where the vector writes null, absent otherwise. */
export const given = <T>(value: T | null | undefined): T | undefined => value ?? undefined
