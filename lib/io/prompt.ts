import type * as Clack from '@clack/prompts'
import type { Asker } from '../base/context.ts'
import { KsailError, messageOf } from '../base/errors.ts'
import { host } from './host.ts'

interface AskerOptions {
  /** Whether somebody can answer: stdin and stderr are terminals. */
  readonly available: boolean
  /** Takes the live line away before a question is drawn. */
  readonly clear?: () => void
}

const streams = () => ({ input: host.stdin(), output: host.stderr() })

/**
 * Questions on stderr, so that stdout stays the result. Where nobody can answer a question is an error that repeats it.
 *
 * @example
 * await createAsker({ available: false }).confirm('delete the cluster dev?') // throws `unresolved`
 */
export const createAsker = ({ available, clear }: AskerOptions): Asker => {
  const answer = async <T>(question: string, put: (clack: typeof Clack) => Promise<T>): Promise<Exclude<T, symbol>> => {
    if (!available)
      throw new KsailError('unresolved', `nobody is here to answer: ${question}`, {
        hint: 'give the answer as a flag, or run it on a terminal',
      })
    clear?.()
    const given = await put(await import('@clack/prompts'))
    // clack answers Ctrl-C and Escape with a symbol
    if (typeof given === 'symbol') throw new KsailError('interrupted', 'interrupted at a question')
    return given as Exclude<T, symbol>
  }
  return {
    available,
    confirm: (question, initial = false) =>
      answer(question, ({ confirm }) => confirm({ message: question, initialValue: initial, ...streams() })),
    text: (question, initial = '', check = () => undefined) =>
      answer(question, ({ text }) => {
        const validate = (given: string | undefined): string | undefined => {
          try {
            return void check(given || initial)
          } catch (error) {
            return messageOf(error)
          }
        }
        return text({ message: question, placeholder: initial, defaultValue: initial, validate, ...streams() })
      }),
    select: (question, choices, initial) =>
      answer(question, ({ select }) =>
        select<string>({
          message: question,
          options: choices.map((value) => ({ value })),
          ...(initial === undefined ? {} : { initialValue: initial }),
          ...streams(),
        }),
      ),
  }
}
