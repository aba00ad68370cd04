/** One call of a tool, as its stand-in saw it. */
export interface Call {
  readonly tool: string
  readonly args: readonly string[]
  readonly input: string
  readonly cwd: string
  readonly pid: number
  /** Prints a line at once, on stderr. */
  say(line: string): void
  /** Prints a line at once, on stdout. */
  print(line: string): void
  /** Settles when the process that called is gone. */
  readonly gone: Promise<void>
  readonly isGone: () => boolean
  /** A moment inside of the call, as a step that kind tells: may be held like its begin and end. */
  moment(title: string): Promise<void>
}

export interface Answer {
  readonly code?: number
  readonly stdout?: string
  readonly stderr?: string
}

/** Thrown for a call that nobody has told the machine about. */
export class Unknown extends Error {}

export const unknown = (call: Pick<Call, 'tool' | 'args'>): Unknown =>
  new Unknown(`nobody told the machine what this is: ${call.tool} ${call.args.join(' ')}`)

/** Whether the words are these; `undefined` stands for any one word. */
export const matches = (args: readonly string[], ...words: readonly (string | undefined)[]): boolean =>
  args.length >= words.length && words.every((word, index) => word === undefined || word === args[index])

/** The value after a flag. */
export const valueOf = (args: readonly string[], flag: string): string | undefined => {
  const at = args.indexOf(flag)
  return at === -1 ? undefined : args[at + 1]
}

/** Every value of a flag that may be given several times. */
export const valuesOf = (args: readonly string[], flag: string): readonly string[] =>
  args.flatMap((word, index) => (word === flag ? [args[index + 1] ?? ''] : []))
