import type { Context } from '../base/context.ts'

export interface Flag {
  /** `list` may be given several times. */
  readonly type: 'string' | 'number' | 'boolean' | 'list'
  readonly summary: string
  /** The flag's name when it is not the input's name in kebab-case. */
  readonly flag?: string | undefined
  readonly short?: string | undefined
  readonly choices?: readonly string[] | undefined
  /** What stands for the value in help: NAME, DURATION. */
  readonly value?: string | undefined
  /** Shown in help only: defaults are the last step of a chain, never the parser's business. */
  readonly default?: string | undefined
  /** The environment variable that says the same; such a value is checked where the variable's is: in the chain. */
  readonly variable?: string | undefined
  /** Switches off what is on by itself: help shows `--no-NAME`. */
  readonly negative?: boolean | undefined
}

export interface Arg {
  readonly summary: string
}

export type Flags = Readonly<Record<string, Flag>>
export type Args = Readonly<Record<string, Arg>>

type ValueOf<F extends Flag> = F['type'] extends 'boolean'
  ? boolean
  : F['type'] extends 'number'
    ? number
    : F['type'] extends 'list'
      ? readonly string[]
      : F['choices'] extends readonly (infer Choice)[]
        ? Choice
        : string

/** What a row's `run` gets: absent flags stay absent, so that the chains go on. */
export type InputOf<A extends Args, F extends Flags> = { readonly [K in keyof A]?: string | undefined } & {
  readonly [K in keyof F]?: ValueOf<F[K]> | undefined
}

export interface Command<A extends Args, F extends Flags, R> {
  readonly path: readonly string[]
  readonly summary: string
  /** More than one line, for its own help. */
  readonly description?: string | undefined
  readonly examples: readonly string[]
  readonly args?: A
  readonly flags?: F
  run(input: InputOf<A, F>, ctx: Context): Promise<R>
  /** What stands on stdout for people; undefined: nothing. */
  text(result: R): string | undefined
}

// the table erases what the rows know about their types: main.ts has the one cast
// oxlint-disable-next-line typescript/no-explicit-any
export type AnyCommand = Command<any, any, any>

/** A row of the table of commands, its input typed by its flags. */
// oxlint-disable-next-line typescript/no-empty-object-type
export const command = <const A extends Args = {}, const F extends Flags = {}, R = unknown>(row: Command<A, F, R>): Command<A, F, R> => row

const kebab = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** The word after `--` for an input's name. */
export const flagName = (name: string, flag: Flag): string => flag.flag ?? kebab(name)

/** Flags that every command has. */
export const GLOBAL = {
  output: { type: 'string', summary: 'form of the result on stdout', short: 'o', choices: ['text', 'json'], default: 'text' },
  help: { type: 'boolean', summary: 'show help', short: 'h' },
  version: { type: 'boolean', summary: 'show the version' },
  verbose: { type: 'boolean', summary: 'show the commands that run; -vv shows their output too', short: 'v' },
  quiet: { type: 'boolean', summary: 'show errors only', short: 'q' },
  color: { type: 'boolean', summary: 'no colours, as NO_COLOR does', negative: true },
  log: { type: 'string', summary: 'how progress looks on stderr, as KSAIL_LOG', choices: ['plain', 'color', 'github', 'json'] },
} as const satisfies Flags
