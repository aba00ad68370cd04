import type { Context } from '../base/context.ts'
import { usageError } from '../base/errors.ts'
import { nearest } from '../base/nearest.ts'
import { redact } from '../base/redact.ts'
import { host } from '../io/host.ts'
import { GLOBAL, type AnyCommand } from './command.ts'
import { commands, groups } from './commands/index.ts'
import { match, parse, type GlobalInput, type Match } from './parse.ts'
import { version } from '../io/version.ts'

export interface Streams {
  /** The result and nothing else. */
  readonly stdout: (text: string) => void
  /** Progress, warnings, errors. */
  readonly stderr: (text: string) => void
  readonly signal: AbortSignal
}

interface Session extends Streams {
  readonly env: Context['env']
  global: GlobalInput
  secrets: Set<string>
  report: Awaited<ReturnType<typeof openReporter>> | undefined
}

/** What the words say about how to speak, before they are parsed: the error of words that do not parse is told in the same way. */
const guess = (words: readonly string[]): GlobalInput => ({
  output: words.some(
    (word, index) => /^(-o=?|--output=)json$/i.test(word) || (/^(-o|--output)$/.test(word) && words[index + 1]?.toLowerCase() === 'json'),
  )
    ? 'json'
    : 'text',
  color: !words.includes('--no-color'),
  verbosity: words.some((word) => /^-v+$/.test(word)) ? 1 : 0,
})

const openReporter = async ({ env, global, secrets, stderr }: Omit<Session, 'report'>) => {
  const { chooseLook, colorLevel, createReporter, isLive } = await import('../io/reporter.ts')
  const terminal = host.stderrIsTerminal()
  return createReporter({
    look: chooseLook(global.log, env, terminal),
    level: global.verbosity,
    color: colorLevel(global.color === false, env, terminal),
    live: isLive(env, terminal),
    write: stderr,
    columns: host.columns,
    secrets,
  })
}

const noCommand = (word: string, { path, early }: Match): Error => {
  const known = [
    ...new Set(commands.filter((row) => path.every((part, index) => row.path[index] === part)).map((row) => row.path[path.length]!)),
  ]
  const prefix = ['ksail', ...path].join(' ')
  if (early !== undefined) return usageError(`${prefix} has no flag ${early}`, 'write the flags of a command after it')
  // people leave the group away, or take the one of another tool: push, version
  const near = nearest(word, known)
  const same = commands.find((row) => row.path.at(-1) === word)?.path.join(' ') ?? (Object.hasOwn(GLOBAL, word) ? `--${word}` : undefined)
  const meant = near === undefined ? same && `ksail ${same}` : `${prefix} ${near}`
  return usageError(
    `${prefix} has no command ${word}`,
    meant === undefined ? `choose one of ${known.join(', ')}` : `did you mean ${meant}?`,
  )
}

const runRow = async (row: AnyCommand, input: object, session: Session): Promise<string | undefined> => {
  const { env, global, signal, stderr } = session
  if (env['GITHUB_ACTIONS'] === 'true') session.secrets = (await import('../io/reporter.ts')).maskingSecrets(stderr)
  const report = (session.report = await openReporter(session))
  const named = env['KSAIL_LOG']
  const choices: readonly string[] = GLOBAL.log.choices
  if (named && !choices.includes(named.toLowerCase())) throw usageError(`KSAIL_LOG must be one of ${choices.join(', ')}; it is ${named}`)
  const [{ createContext }, { createAsker }] = await Promise.all([import('../context.ts'), import('../io/prompt.ts')])
  const ask = createAsker({ available: host.stderrIsTerminal() && host.stdinIsTerminal(), clear: report.clear })
  const result: unknown = await row.run(input, createContext({ env, report, ask, secrets: session.secrets, signal }))
  report.clear()
  return global.output === 'json' ? JSON.stringify(result) : row.text(result)
}

const answer = async (words: readonly string[], session: Session): Promise<string | undefined> => {
  // `ksail help cluster create` is `ksail cluster create --help`
  const asked = words[0] === 'help' ? [...words.slice(1), '--help'] : words
  const found = match(asked, commands)
  const { row, path, rest } = found
  if (row === undefined && found.stray !== undefined) throw noCommand(found.stray, found)
  const open = rest.includes('--') ? rest.slice(0, rest.indexOf('--')) : rest
  // help answers before anything else is looked at: who asks for it may have typed something wrong
  if (row !== undefined && open.some((word) => word === '--help' || word === '-h')) return (await import('./help.ts')).commandHelp(row)
  const { global, input } = parse(rest, row ?? {}, ['ksail', ...path].join(' '))
  session.global = global
  if (global.version === true) return version()
  if (row === undefined) return (await import('./help.ts')).groupHelp(path, commands, groups)
  return runRow(row, input, session)
}

const tell = async (thrown: unknown, session: Session): Promise<number> => {
  const { failureOf, failureJson } = await import('./failure.ts')
  const { global, secrets, stderr } = session
  const failure = failureOf(thrown, global.verbosity > 0)
  const { code, message, hint, details } = failure
  const report = session.report ?? (await openReporter(session))
  report.clear()
  if (global.output === 'json') stderr(`${redact(JSON.stringify(failureJson(failure)), secrets)}\n`)
  else report({ kind: 'error', code, message, hint, details })
  return failure.exitCode
}

/** Words → exit status. Prints the result on stdout, everything else on stderr, and never exits. */
export const main = async (words: readonly string[], streams: Streams): Promise<number> => {
  const session: Session = { ...streams, env: host.env(), global: guess(words), secrets: new Set(), report: undefined }
  try {
    const text = await answer(words, session)
    if (text !== undefined && text !== '') streams.stdout(`${redact(text, session.secrets)}\n`)
    return 0
  } catch (thrown) {
    return tell(thrown, session)
  }
}
