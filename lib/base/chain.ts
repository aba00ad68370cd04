import { isKsailError, KsailError, messageOf } from './errors.ts'

export interface Step<In, Out> {
  readonly name: string
  find(input: In, miss: (why: string) => undefined): Out | undefined | Promise<Out | undefined>
}

export interface Missed {
  readonly step: string
  readonly why: string
  /** What to do about it, where the place had something to say. */
  readonly hint?: string | undefined
}

export interface Found<Out> {
  readonly value: Out
  /** The place that answered, as it is named to people. */
  readonly from: string
  readonly missed: readonly Missed[]
}

/**
 * Places to look, in order. First answer wins; an empty-handed chain throws `unresolved`, listing every place and why.
 * A step that throws `tool` or `unreachable` misses; anything else thrown is a real error and stops.
 *
 * @example
 * await new Chain('registry', 'pass --registry', [{ name: '--registry', find: (input) => input.registry }]).resolve({ registry: 'localhost:5050' })
 */
export class Chain<In, Out> {
  readonly what: string
  readonly hint: string
  readonly steps: readonly Step<In, Out>[]

  constructor(what: string, hint: string, steps: readonly Step<In, Out>[]) {
    this.what = what
    this.hint = hint
    this.steps = steps
  }

  async find(input: In): Promise<Found<Out> | { readonly value: undefined; readonly missed: readonly Missed[] }> {
    const missed: Missed[] = []
    for (const step of this.steps) {
      let why = 'not set'
      let hint: string | undefined
      const miss = (reason: string): undefined => void (why = reason)
      try {
        const value = await step.find(input, miss)
        if (value !== undefined) return { value, from: step.name, missed }
      } catch (error) {
        if (!isKsailError(error, 'tool', 'unreachable')) throw error
        why = messageOf(error)
        hint = error.hint
      }
      missed.push({ step: step.name, why, ...(hint === undefined ? {} : { hint }) })
    }
    return { value: undefined, missed }
  }

  /** `expected`: the last place is known to have it, so that what keeps it from answering is what to mend. */
  async resolve(input: In, { expected = false }: { readonly expected?: boolean } = {}): Promise<Found<Out>> {
    const found = await this.find(input)
    if (found.value !== undefined) return found as Found<Out>
    throw new KsailError('unresolved', `no ${this.what} found; looked in`, {
      details: found.missed.map(({ step, why }, index) => `${index + 1}. ${step}: ${why}`),
      hint: (expected ? found.missed.at(-1)?.hint : undefined) ?? this.hint,
      reason: `no-${this.what}`,
    })
  }
}
