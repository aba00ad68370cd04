import { GLOBAL, flagName, type AnyCommand, type Flag, type Flags } from './command.ts'

const WIDTH = 80

/** Words broken into lines of at most `width`. */
export const wrap = (text: string, width: number): string[] => {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/).filter(Boolean)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return line === '' ? lines : [...lines, line]
}

/** Two columns: names, and what they mean. A name that is too long for its column has a line of its own. */
const columns = (rows: readonly (readonly [string, string])[]): string[] => {
  const column = Math.min(30, Math.max(...rows.map(([name]) => name.length)) + 2)
  return rows.flatMap(([name, text]) => {
    const lines = wrap(text, WIDTH - 2 - column)
    const fits = name.length + 2 <= column
    const [first = '', ...rest] = fits ? lines : ['', ...lines]
    return [`  ${fits ? name.padEnd(column) + first : name}`.trimEnd(), ...rest.map((line) => `  ${' '.repeat(column)}${line}`)]
  })
}

const word = ({ type, value }: Flag): string => (type === 'boolean' ? '' : ` ${value ?? (type === 'number' ? 'N' : 'VALUE')}`)

const left = (key: string, flag: Flag): string => {
  const name = `--${flag.negative ? 'no-' : ''}${flagName(key, flag)}${flag.choices === undefined ? word(flag) : ` ${flag.value ?? flag.choices.join('|')}`}`
  return `${flag.short === undefined ? '    ' : `-${flag.short}, `}${name}`
}

const notes = ({ default: value, variable }: Flag): string =>
  [value === undefined ? '' : ` (default ${value})`, variable === undefined ? '' : ` [${variable}]`].join('')

const flagRows = (flags: Flags): [string, string][] =>
  Object.entries(flags).map(([key, flag]) => [left(key, flag), flag.summary + notes(flag)])

const usage = (row: AnyCommand): string =>
  ['ksail', ...row.path, ...Object.keys(row.args ?? {}).map((name) => `[${name}]`), '[flags]'].join(' ')

const section = (title: string, lines: readonly string[]): string[] => (lines.length === 0 ? [] : ['', `${title}:`, ...lines])

/** Help of one command. */
export const commandHelp = (row: AnyCommand): string =>
  [
    ...wrap(row.summary, WIDTH),
    ...(row.description === undefined ? [] : ['', ...wrap(row.description, WIDTH)]),
    ...section('Usage', [`  ${usage(row)}`]),
    ...section(
      'Arguments',
      Object.keys(row.args ?? {}).length === 0
        ? []
        : columns(Object.entries(row.args as Record<string, { summary: string }>).map(([name, { summary }]) => [name, summary] as const)),
    ),
    ...section('Flags', Object.keys(row.flags ?? {}).length === 0 ? [] : columns(flagRows(row.flags as Flags))),
    ...section('Flags of every command', columns(flagRows(GLOBAL))),
    ...section(
      'Examples',
      row.examples.map((example) => `  ${example}`),
    ),
  ].join('\n')

const list = (rows: readonly AnyCommand[]): string[] => columns(rows.map((row) => [row.path.join(' '), row.summary] as const))

const groupsOf = (table: readonly AnyCommand[]): string[] => [
  ...new Set(table.filter(({ path }) => path.length > 1).map(({ path }) => path[0]!)),
]

/** Help of a group of commands, or of the program for an empty path. */
export const groupHelp = (path: readonly string[], table: readonly AnyCommand[], groups: Readonly<Record<string, string>>): string => {
  const rows = table.filter((row) => path.every((part, index) => row.path[index] === part))
  const title =
    path.length === 0
      ? 'GitOps without the Git server: a cluster, a registry and an engine, then push and reconcile'
      : (groups[path[0]!] ?? '')
  const body =
    path.length > 0
      ? section('Commands', list(rows))
      : [
          ...section('The loop in one word', list(rows.filter((row) => row.path.length === 1))),
          ...groupsOf(rows).flatMap((group) =>
            section(groups[group] ?? group, list(rows.filter((row) => row.path[0] === group && row.path.length > 1))),
          ),
        ]
  return [
    ...wrap(title, WIDTH),
    ...section('Usage', [`  ksail ${[...path, '<command>'].join(' ')} [flags]`]),
    ...body,
    ...section('Flags of every command', columns(flagRows(GLOBAL))),
    '',
    `Run ksail ${[...path, '<command>'].join(' ')} --help for the flags of a command.`,
  ].join('\n')
}

const cell = (text: string): string => text.replaceAll('|', '\\|')

/** The commands as a section of README. Settings have a table of their own there. */
export const markdownHelp = (table: readonly AnyCommand[]): string =>
  table
    .map((row) => {
      const flags = Object.entries((row.flags ?? {}) as Flags)
      const own = flags.filter(([, { variable }]) => variable === undefined)
      const settings = flags.filter(([, { variable }]) => variable !== undefined).map(([key, flag]) => `\`--${flagName(key, flag)}\``)
      return [
        `### \`${['ksail', ...row.path, ...Object.keys(row.args ?? {}).map((name) => `[${name}]`)].join(' ')}\``,
        '',
        `${row.summary}.${row.description === undefined ? '' : ` ${row.description}`}`,
        '',
        '```sh',
        ...row.examples,
        '```',
        ...(own.length === 0
          ? []
          : [
              '',
              '| flag | |',
              '| --- | --- |',
              ...own.map(([key, flag]) => `| \`${cell(left(key, flag).trim())}\` | ${cell(flag.summary + notes(flag))} |`),
            ]),
        ...(settings.length === 0 ? [] : ['', `Settings: ${settings.join(' ')}`]),
      ].join('\n')
    })
    .join('\n\n')
