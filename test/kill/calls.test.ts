import { afterAll, describe, it } from 'vitest'
import { boundariesOfCreate, interruptAt, killAt, machines, newWorld } from '../cli/cut-off.ts'

const { boundaries } = await boundariesOfCreate()

afterAll(() => machines.close())

describe.concurrent('a create that is cut off at the begin and the end of every call', () => {
  for (const { title, at, from } of boundaries)
    it(`by kill -9 at the ${title}: the same command converges`, () => killAt(at, newWorld(from)), 120_000)
  for (const { title, at, from } of boundaries)
    it(`by Ctrl-C at the ${title}: what it made is gone`, () => interruptAt(at, newWorld(from)), 120_000)
})
