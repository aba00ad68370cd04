import { afterAll, describe, it } from 'vitest'
import { boundariesOfCreate, changes, cutOffTwice, interruptAt, killAt, machines, newWorld } from '../cli/cut-off.ts'

const { boundaries } = await boundariesOfCreate()

afterAll(() => machines.close())

describe.concurrent('a create that is cut off at the begin and the end of every call', () => {
  for (const { title, at, from } of boundaries)
    it(`by kill -9 at the ${title}: the same command converges`, () => killAt(at, newWorld(from)), 120_000)
  for (const { title, at, from } of boundaries)
    it(`by Ctrl-C at the ${title}: what it made is gone`, () => interruptAt(at, newWorld(from)), 120_000)
})

// not every pair, but each call that changes something with a few others
const changing = boundaries.filter(({ at }) => changes(at))
const pairs = [7, 12].flatMap((step) => changing.map((first, index) => ({ first, next: changing[(index * step + 5) % changing.length]! })))

describe.concurrent('a create that is killed, and the next one cut off as well: the third one converges', () => {
  for (const [index, { first, next }] of pairs.entries()) {
    const signal = index % 2 === 0 ? 'SIGKILL' : 'SIGINT'
    it(
      `${index}: at the ${first.title}, then ${signal} at the ${next.title}`,
      () => cutOffTwice(first.at, next.at, signal, newWorld(first.from)),
      120_000,
    )
  }
})
