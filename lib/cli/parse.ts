import minimist from 'minimist'
import { usageError } from '../base/errors.ts'
import { nearest } from '../base/nearest.ts'
import { GLOBAL, flagName, type AnyCommand, type Flag, type Flags, type InputOf } from './command.ts'

export type GlobalInput = InputOf<Record<never, never>, typeof GLOBAL> & { readonly verbosity: number }

export interface Parsed {
  readonly global: GlobalInput
  readonly input: Readonly<Record<string, unknown>>
}

interface Named extends Flag {
  readonly key: string
  readonly name: string
}

const named = (flags: Flags): Named[] => Object.entries(flags).map(([key, flag]) => ({ ...flag, key, name: flagName(key, flag) }))

export interface Match {
  /** The row, when the words name one. */
  readonly row: AnyCommand | undefined
  /** The words that led there. */
  readonly path: readonly string[]
  /** Everything else, in order. */
  readonly rest: readonly string[]
  /** The first word that is neither part of the path nor a flag: an argument, or a command that does not exist. */
  readonly stray: string | undefined
  /** The first flag before that word that only some commands have: it stands too early. */
  readonly early: string | undefined
}

const isGlobal = (word: string): boolean =>
  named(GLOBAL).some(({ name, short, type }) => {
    const [given, letters] = [word.replace(/=.*$/s, ''), /^-([A-Za-z]+)/.exec(word)?.[1] ?? '']
    return (
      given === `--${name}` ||
      given === `--no-${name}` ||
      (short !== undefined && letters.startsWith(short) && (type !== 'boolean' || /^[hvq]+$/.test(letters)))
    )
  })

const takesValue = (word: string): boolean =>
  named(GLOBAL).some(({ type, name, short }) => type !== 'boolean' && (word === `--${name}` || word === `-${short}`))

/** Finds the longest row whose path starts the words. Global flags may stand anywhere. */
export const match = (words: readonly string[], table: readonly AnyCommand[]): Match => {
  const path: string[] = []
  const rest: string[] = []
  const starts = (row: AnyCommand, prefix: readonly string[]): boolean => prefix.every((word, index) => row.path[index] === word)
  let stray: string | undefined
  let early: string | undefined
  let open = true
  for (let index = 0; index < words.length; index++) {
    const word = words[index]!
    if (word === '--') open = false
    if (open && !word.startsWith('-') && table.some((row) => starts(row, [...path, word]) && row.path.length > path.length)) {
      path.push(word)
      continue
    }
    rest.push(word)
    if (open && takesValue(word) && index + 1 < words.length) rest.push(words[++index]!)
    else if (open && !word.startsWith('-')) {
      stray = word
      open = false
    } else if (open && !isGlobal(word)) early ??= word
  }
  return { row: table.find((row) => row.path.length === path.length && starts(row, path)), path, rest, stray, early }
}

/** `-ojson` as `-o json`, `--timeout -5m` as `--timeout=-5m`: minimist would take each letter, and the number, for a flag of its own. */
const spread = (words: readonly string[], flags: readonly Named[]): string[] => {
  const end = words.indexOf('--')
  const open = end < 0 ? words : words.slice(0, end)
  const valued = (word: string | undefined): Named | undefined =>
    flags.find(({ name, short, type }) => type !== 'boolean' && (word === `--${name}` || (short !== undefined && word === `-${short}`)))
  const parts = open.flatMap((word, index) => {
    const [before, after] = [open[index - 1], open[index + 1] ?? '']
    if (/^-\d/.test(word) && valued(before) !== undefined) return []
    if (/^-\d/.test(after) && valued(word) !== undefined) return [`--${valued(word)?.name}=${after}`]
    const flag = /^-[A-Za-z]./.test(word) ? flags.find(({ short, type }) => short === word[1] && type !== 'boolean') : undefined
    return flag === undefined ? [word] : [`--${flag.name}`, word.slice(word[2] === '=' ? 3 : 2)]
  })
  return [...parts, ...(end < 0 ? [] : words.slice(end))]
}

const unknownFlag = (word: string, what: string, flags: readonly Named[]): Error => {
  const given = word.replace(/=.*$/s, '')
  const known = flags.flatMap(({ name, type, negative }) =>
    type !== 'boolean' ? [name] : negative ? [`no-${name}`] : [name, `no-${name}`],
  )
  const near = given.startsWith('--') ? nearest(given.slice(2), known) : undefined
  return usageError(`${what} has no flag ${given}`, near === undefined ? `run ${what} --help to see its flags` : `did you mean --${near}?`)
}

const pickChoice = (flag: Named, value: string): string => {
  if (flag.choices === undefined || flag.variable !== undefined) return value
  const found = flag.choices.find((choice) => choice.toLowerCase() === value.toLowerCase())
  if (found === undefined) throw usageError(`--${flag.name} must be one of ${flag.choices.join(', ')}; it is ${value}`)
  return found
}

const convert = (flag: Named, raw: unknown): unknown => {
  if (raw === undefined || raw === null) return undefined
  if (flag.type === 'boolean') return raw
  const values = (Array.isArray(raw) ? raw : [raw]).map(String)
  if (values.some((value) => value === '' || typeof raw === 'boolean'))
    throw usageError(`--${flag.name} needs a value`, `write --${flag.name} ${flag.value ?? flag.choices?.join('|') ?? 'VALUE'}`)
  if (flag.type === 'list') return values
  if (values.length > 1)
    throw usageError(
      `--${flag.name} is given ${values.length === 2 ? 'twice' : `${values.length} times`}: ${values.join(', ')}`,
      'give it once',
    )
  const value = pickChoice(flag, values[0]!)
  if (flag.type !== 'number') return value
  if (flag.variable !== undefined) return value
  if (!/^\d+$/.test(value)) throw usageError(`--${flag.name} must be a whole number; it is ${value}`)
  return Number(value)
}

/** Words → the typed input of a row and the global flags; anything unknown, missing or impossible is a usage error that names it. */
export const parse = (words: readonly string[], row: Pick<AnyCommand, 'args' | 'flags'>, what: string): Parsed => {
  const own = named(row.flags ?? {})
  const flags = [...own, ...named(GLOBAL)]
  const booleans = flags.filter(({ type }) => type === 'boolean').map(({ name }) => name)
  const argv = spread(words, flags)
  for (const word of argv.slice(0, argv.includes('--') ? argv.indexOf('--') : undefined)) {
    const [, name, value] = /^--(?:no-)?([^=]+)=(.*)$/s.exec(word) ?? []
    if (name !== undefined && booleans.includes(name) && (word.startsWith('--no-') || !/^(true|false)$/.test(value!)))
      throw usageError(`--${name} takes no value; it is ${value}`, `write --${name} or --no-${name}`)
  }
  const parsed = minimist(argv, {
    string: [...flags.filter(({ type }) => type !== 'boolean').map(({ name }) => name), '_'],
    boolean: booleans,
    alias: Object.fromEntries(flags.filter(({ short }) => short !== undefined).map(({ name, short }) => [name, short!])),
    // without this "not given" would be false
    default: Object.fromEntries(booleans.map((name) => [name, null])),
    unknown: (word) => {
      if (!word.startsWith('-') || word === '-') return true
      throw unknownFlag(word, what, flags)
    },
  })
  // minimist takes `--no-x` for any x before it asks about unknown flags, and gives text flags the value false
  for (const { name, type } of flags) if (type !== 'boolean' && parsed[name] === false) throw unknownFlag(`--no-${name}`, what, flags)
  const values = Object.fromEntries(flags.map((flag) => [flag.key, convert(flag, parsed[flag.name])]))
  const names = Object.keys(row.args ?? {})
  const extra = parsed._.slice(names.length)
  if (extra.length > 0) {
    const takes = names.length === 0 ? 'no argument' : names.length === 1 ? 'one argument' : `${names.length} arguments`
    throw usageError(`${what} takes ${takes}; too many: ${extra.join(' ')}`, `run ${what} --help`)
  }
  const globals = new Set(Object.keys(GLOBAL))
  const letters = words.filter((word) => /^-[a-z]*v[a-z]*$/.test(word)).join('')
  return {
    global: {
      ...(values as GlobalInput),
      verbosity: values['quiet'] === true ? -1 : values['verbose'] === true ? Math.min(2, Math.max(1, letters.split('v').length - 1)) : 0,
    },
    input: Object.fromEntries(
      [
        ...Object.entries(values).filter(([key]) => !globals.has(key)),
        ...names.map((name, index) => [name, parsed._[index]] as const),
      ].filter(([, value]) => value !== undefined),
    ),
  }
}
