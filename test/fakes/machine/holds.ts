import type { Answer, Call } from './call.ts'

/** A moment in a run: the begin or end of the nth call that reads like this. */
export interface Boundary {
  readonly call: string
  readonly nth: number
  readonly edge: 'begin' | 'end'
}

export interface Held {
  /** Settles when the boundary is reached: the call waits there. */
  readonly reached: Promise<void>
  /** Lets it go on, as far as its process still lives or its engine does the work for it. */
  release(): void
  /** Settles when the held call has done what it does. */
  readonly over: Promise<void>
}

/** The words of a call without what differs from run to run: paths, names, ids, digests, ports, scripts. */
const nameOf = ({ tool, args }: Pick<Call, 'tool' | 'args'>, world: string): string =>
  [tool, ...args]
    .map((word) => (word.includes('\n') ? 'SCRIPT' : word))
    .map((word) =>
      word
        .replace(/sha256:[0-9a-f]{64}/g, 'DIGEST')
        .replace(/\b[0-9a-f]{16,64}\b/g, 'ID')
        .replace(/\/[\w./@-]*\//g, '/')
        .replace(/:\d{4,5}\b/g, ':PORT')
        .replace(/=\d{4,5}$/, '=PORT'),
    )
    .join(' ')
    .replaceAll(world, 'NAME')

interface Hold extends Held {
  readonly at: Boundary
  readonly reach: () => void
  readonly free: Promise<void>
  readonly done: () => void
  held: boolean
}

const newHold = (at: Boundary): Hold => {
  let [reach, release, done]: (() => void)[] = []
  const reached = new Promise<void>((resolve) => void (reach = resolve))
  const free = new Promise<void>((resolve) => void (release = resolve))
  const over = new Promise<void>((resolve) => void (done = resolve))
  return { at, reached, free, over, reach: () => reach?.(), release: () => release?.(), done: () => done?.(), held: false }
}

/** Counts calls, and holds them where they were told to be held. */
export const createHolds = (world: string) => {
  const seen: Boundary[] = []
  const counts = new Map<string, number>()
  const holds: Hold[] = []
  const failures = new Map<string, Answer>()

  const boundary = async (at: Boundary, call: Call): Promise<Hold | undefined> => {
    seen.push(at)
    const hold = holds.find((it) => !it.held && it.at.call === at.call && it.at.nth === at.nth && it.at.edge === at.edge)
    if (hold === undefined) return undefined
    hold.held = true
    hold.reach()
    await Promise.race([hold.free, call.gone])
    return hold
  }
  const count = (name: string): number => {
    counts.set(name, (counts.get(name) ?? 0) + 1)
    return counts.get(name) as number
  }
  const around = async (call: Call, perform: (call: Call) => Promise<Answer>): Promise<Answer> => {
    const name = nameOf(call, world)
    const nth = count(name)
    // the same call of the next run comes at the worst moment: what the held one does happens right before
    for (const hold of holds.filter((it) => it.held && it.at.call === name)) {
      hold.release()
      await hold.over
    }
    const held = [await boundary({ call: name, nth, edge: 'begin' }, call)]
    try {
      // an engine does what it was asked for, whoever asked; other tools do nothing once they have ended
      if (call.isGone() && call.tool !== 'docker') return {}
      const moment = async (title: string): Promise<void> => {
        const inside = `${name}: ${title}`
        held.push(await boundary({ call: inside, nth: count(inside), edge: 'begin' }, call))
      }
      const answer = failures.get(name) ?? (await perform({ ...call, moment }))
      // one that was ended, as a proxy always is, has no end that could be held
      if (!call.isGone()) held.push(await boundary({ call: name, nth, edge: 'end' }, call))
      return answer
    } finally {
      for (const hold of held) hold?.done()
    }
  }
  return {
    seen,
    around,
    fail: (call: string, answer: Answer): void => void failures.set(call, answer),
    hold: (at: Boundary): Held => {
      const hold = newHold(at)
      holds.push(hold)
      return hold
    },
  }
}
