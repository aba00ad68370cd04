import { afterAll, describe, it } from 'vitest'
import { boundariesOfCreate, changes, expectWhole, failAt, interruptAt, killAt, machines, newWorld } from './cut-off.ts'

const { boundaries, runs } = await boundariesOfCreate()

// a call that only asks leaves the machine as it was: its begin is enough, once. Every boundary: npm run test:kill
const killed = boundaries.filter(({ at }) => changes(at) || (at.edge === 'begin' && at.nth === 1))
// what kind does in between is no call of its own
const failing = killed.filter(({ at }) => at.edge === 'begin' && changes(at) && !at.call.includes(': '))
const interrupted = killed.filter((_, index) => index % 3 === 0)

afterAll(() => machines.close())

it.each(runs)('an undisturbed create makes a whole cluster', ({ world, said }) => expectWhole(world, said))

describe.concurrent('kill -9 of a create, then the same command: everything is there, once', () => {
  for (const { title, at, from } of killed) it(`at the ${title}`, () => killAt(at, newWorld(from)), 120_000)
})

describe.concurrent('Ctrl-C of a create: what this run made is gone', () => {
  for (const { title, at, from } of interrupted) it(`at the ${title}`, () => interruptAt(at, newWorld(from)), 120_000)
})

describe.concurrent('a call of a create that fails: what this run made is gone', () => {
  for (const { title, at, from } of failing) it(title.replace('begin of ', ''), () => failAt(at, newWorld(from)), 120_000)
})
