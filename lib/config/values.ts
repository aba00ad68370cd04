import { isAbsolute, join, resolve } from 'node:path'
import { parseWait } from '../base/duration.ts'
import { nearest } from '../base/nearest.ts'
import type { KsailError } from '../base/errors.ts'
import type { Setting } from './settings.ts'

interface Where {
  /** The flag, variable or key, as it is named to people. */
  readonly from: string
  /** Where relative paths count from. */
  readonly base: string
  readonly home: string
  readonly fail: (message: string, hint?: string) => KsailError
}

const texts = (value: unknown): readonly string[] | undefined => {
  if (Array.isArray(value)) return value.every((it) => ['string', 'number', 'boolean'].includes(typeof it)) ? value.map(String) : undefined
  return ['string', 'number', 'boolean'].includes(typeof value) ? [String(value)] : undefined
}

const choice = (row: Setting, text: string, { from, fail }: Where): string => {
  const found = row.choices?.find((it) => it.toLowerCase() === text.toLowerCase())
  if (found !== undefined) return found
  const coming = row.later?.find((it) => it.toLowerCase() === text.toLowerCase())
  const list = row.choices?.join(', ')
  if (coming !== undefined) throw fail(`${from}: ${coming} is not part of this version`, `use one of ${list}`)
  const near = nearest(text, row.choices ?? [])
  throw fail(`${from} must be one of ${list}, not "${text}"`, near === undefined ? undefined : `did you mean ${near}?`)
}

const TRUE = new Set(['true', '1', 'yes', 'on'])
const FALSE = new Set(['false', '0', 'no', 'off'])

/** A text as the value of a row; undefined when it is blank, which means not given. Throws what `fail` makes of the problem. */
export const valueOf = (row: Setting, given: unknown, where: Where): unknown => {
  const { from, base, home, fail } = where
  const list = row.type !== 'list' && Array.isArray(given) ? undefined : texts(given)
  if (list === undefined)
    throw fail(`${from} must be ${row.type === 'list' ? 'a list of texts' : `one ${row.type === 'enum' ? 'word' : row.type}`}`)
  if (row.type === 'list') {
    const items = (Array.isArray(given) ? list : list[0]!.split(',')).map((it) => it.trim()).filter((it) => it !== '')
    return items.length === 0 ? undefined : items
  }
  const text = list[0]!.trim()
  if (text === '') return undefined
  switch (row.type) {
    case 'enum':
      return choice(row, text, where)
    case 'number': {
      const least = row.least ?? 0
      if (!/^\d+$/.test(text) || Number(text) < least) throw fail(`${from} must be a whole number from ${least}, not "${text}"`)
      return Number(text)
    }
    case 'boolean':
      if (TRUE.has(text.toLowerCase())) return true
      if (FALSE.has(text.toLowerCase())) return false
      throw fail(`${from} must be true or false, not "${text}"`)
    case 'duration': {
      const ms = parseWait(text)
      if (ms === undefined) throw fail(`${from} must be a duration from 1ms to 24h, not "${text}"`, 'write it as 90s, 5m or 1h30m')
      return ms
    }
    case 'path':
      if (text === '~' || text.startsWith('~/')) return join(home, text.slice(1))
      return isAbsolute(text) ? resolve(text) : resolve(base, text)
    default:
      return text
  }
}
