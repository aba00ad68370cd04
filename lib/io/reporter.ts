import { Chalk, type ChalkInstance } from 'chalk'
import { formatSeconds } from '../base/duration.ts'
import type { Event, Reporter } from '../base/events.ts'
import { redact } from '../base/redact.ts'
import { formatAmount } from './amount.ts'
import { createStatus } from './status.ts'

type Formatters = { readonly [K in Event['kind']]: (event: Extract<Event, { kind: K }>) => string | undefined }
type Env = Readonly<Record<string, string | undefined>>

const below = (lines: readonly string[], prefix: string): string => lines.map((line) => `\n${prefix}${line}`).join('')

const plain: Formatters = {
  step: ({ text }) => `► ${text}`,
  done: ({ text, ms }) => `✔ ${text} (${formatSeconds(ms)})`,
  missed: ({ text, why }) => `  ${text}: ${why}`,
  note: ({ text }) => `  ${text}`,
  warn: ({ text }) => `⚠ ${text}`,
  wait: ({ text }) => `  … ${text}`,
  progress: (event) => `  ${event.text}: ${formatAmount(event)}`,
  command: ({ command }) => `$ ${command}`,
  output: ({ text }) => `| ${text}`,
  retry: ({ text, attempt, of, ms }) => `⚠ ${text}; attempt ${attempt} of ${of} failed, the next in ${formatSeconds(ms)}`,
  file: ({ action, path }) => `${action === 'created' || action === 'overwrote' ? '✚' : ' '} ${action} ${path}`,
  timing: ({ text, at, ms }) => `  ${`+${formatSeconds(at)}`.padStart(8)} ${formatSeconds(ms).padStart(7)}  ${text}`,
  error: ({ message, details, hint }) => `✗ ${message}${below(details, '    ')}${hint === undefined ? '' : `\n  ${hint}`}`,
}

const colored = (chalk: ChalkInstance): Formatters => {
  const glyph = (text: string | undefined, paint: ChalkInstance): string | undefined => text && paint(text.slice(0, 1)) + text.slice(1)
  return {
    ...plain,
    step: (event) => glyph(plain.step(event), chalk.cyan),
    done: ({ text, ms }) => `${chalk.green('✔')} ${text} ${chalk.dim(`(${formatSeconds(ms)})`)}`,
    warn: (event) => glyph(plain.warn(event), chalk.yellow),
    wait: (event) => chalk.dim(plain.wait(event)),
    command: (event) => chalk.dim(plain.command(event)),
    output: (event) => chalk.dim(plain.output(event)),
    retry: (event) => glyph(plain.retry(event), chalk.yellow),
    file: (event) => glyph(plain.file(event), chalk.green),
    error: ({ message, details, hint }) =>
      `${chalk.red('✗')} ${message}${below(details, '    ')}${hint === undefined ? '' : `\n  ${chalk.bold(hint)}`}`,
  }
}

/** Text as the value of a workflow command: a line break would end it. */
const escapeCommand = (text: string): string => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')

/** A line that begins with `::`, spaces before it or not, is a command to the runner: what others have named must not be one. */
const tame =
  (format: (event: never) => string | undefined) =>
  (event: Event): string | undefined =>
    format(event as never)?.replaceAll(/^(?=\s*::)/gm, '|')

const github: Formatters = {
  ...(Object.fromEntries(Object.entries(plain).map(([kind, format]) => [kind, tame(format)])) as unknown as Formatters),
  warn: ({ text }) => `::warning::${escapeCommand(text)}`,
  // the details are in it, too: who looks at the annotation sees nothing else
  error: ({ code, message, details, hint }) =>
    `::error title=ksail ${code}::${escapeCommand([message, ...details, ...(hint === undefined ? [] : [hint])].join('\n'))}`,
}

const one = (event: Event): string => JSON.stringify(event)
const json = Object.fromEntries(Object.keys(plain).map((kind) => [kind, one])) as unknown as Formatters

/** How lines look. Another look is another table. */
export const looks = { plain: () => plain, color: colored, github: () => github, json: () => json } as const

export type Look = keyof typeof looks

/** Lowest level at which a kind is shown: -1 is `-q`, 1 is `-v`, 2 is `-vv`. */
const LEVEL: { readonly [K in Event['kind']]?: number } = { error: -1, command: 1, output: 2 }

export interface ReporterOptions {
  readonly look: Look
  /** -1 errors only, 0 steps, 1 commands too, 2 their output too. */
  readonly level: number
  /** 0 is no colour. */
  readonly color: number
  /** Whether one line may be rewritten: a terminal that a person looks at. */
  readonly live: boolean
  readonly write: (text: string) => void
  readonly columns: () => number
  readonly secrets: Iterable<string>
  readonly now?: () => number
}

/** The look: `--log`, else KSAIL_LOG, else GitHub Actions, else terminal, else plain. */
export const chooseLook = (flag: Look | undefined, env: Env, terminal: boolean): Look => {
  const named = flag ?? env['KSAIL_LOG']?.toLowerCase()
  if (named !== undefined && Object.hasOwn(looks, named)) return named as Look
  return env['GITHUB_ACTIONS'] === 'true' ? 'github' : terminal ? 'color' : 'plain'
}

/** The level of colour for stderr, decided once: the flag, NO_COLOR, FORCE_COLOR, then whether a person looks at a terminal. */
export const colorLevel = (noColor: boolean, env: Env, terminal: boolean): 0 | 1 | 2 | 3 => {
  if (noColor || env['NO_COLOR']) return 0
  const forced = env['FORCE_COLOR']
  if (forced !== undefined) return forced === '0' || forced === 'false' ? 0 : forced === '2' ? 2 : forced === '3' ? 3 : 1
  return isLive(env, terminal) ? 1 : 0
}

/** Whether a line may be rewritten: on a terminal that understands it, and not in a CI log that only looks like one. */
export const isLive = (env: Env, terminal: boolean): boolean => terminal && env['TERM'] !== 'dumb' && !env['CI']

/** Milliseconds between two lines of progress of one thing. */
const OFTEN = 10_000

/** Which events of progress are worth a line of their own: the end, and one now and then on the way there. More would bury everything else. */
const progressLines = (now: () => number): ((event: Event) => boolean) => {
  const told = new Map<string, number>()
  return (event) => {
    if (event.kind !== 'progress') return true
    const last = told.get(event.text)
    const due = event.done === event.total || (last !== undefined && now() - last >= OFTEN)
    if (due || last === undefined) told.set(event.text, now())
    return due
  }
}

const redacted = (event: Event, secrets: Iterable<string>): Event => {
  const clean = (value: unknown): unknown =>
    typeof value === 'string' ? redact(value, secrets) : Array.isArray(value) ? value.map(clean) : value
  return Object.fromEntries(Object.entries(event).map(([key, value]) => [key, clean(value)])) as unknown as Event
}

/** A secret that a workflow's other steps must not print either: the runner is told once, on stderr. */
export const maskingSecrets = (write: (text: string) => void): Set<string> => {
  const secrets = new Set<string>()
  const add = secrets.add.bind(secrets)
  return Object.assign(secrets, {
    add: (secret: string) => {
      if (!secrets.has(secret)) for (const line of secret.split(/\r?\n/)) if (line.length > 3) write(`::add-mask::${escapeCommand(line)}\n`)
      return add(secret)
    },
  })
}

/**
 * The look of the command line for events: one line each, and on a terminal one live line for what runs. `clear` takes the live line away.
 *
 * @example
 * const report = createReporter({ look: 'plain', level: 0, color: 0, live: false, write: (text) => process.stderr.write(text), columns: () => 80, secrets: [] })
 * report({ kind: 'step', text: 'packing k8s' })
 */
export const createReporter = (options: ReporterOptions): Reporter & { readonly clear: () => void } => {
  const formatters = looks[options.look](new Chalk({ level: options.color as 0 | 1 | 2 | 3 }))
  const status = options.live && options.look !== 'json' && options.level >= 0 ? createStatus(options) : undefined
  const worthLine = progressLines(options.now ?? (() => performance.now()))
  const report: Reporter = (raw) => {
    if ((LEVEL[raw.kind] ?? 0) > options.level) return
    const event = redacted(raw, options.secrets)
    if (status?.take(event) === true) return
    if (options.look !== 'json' && !worthLine(event)) return
    const format = formatters[event.kind] as (event: Event) => string | undefined
    const line = format(event)
    if (line === undefined) return
    status?.clear()
    options.write(`${line}\n`)
    status?.draw()
  }
  return Object.assign(report, { clear: () => status?.clear(true) })
}
