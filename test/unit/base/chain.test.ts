import { describe, expect, it } from 'vitest'
import { Chain } from '../../../lib/base/chain.ts'
import { KsailError } from '../../../lib/base/errors.ts'

interface Input {
  readonly flag?: string
  readonly file?: string
  readonly broken?: string
}

const chain = new Chain<Input, string>('registry', 'pass --registry', [
  { name: '--registry', find: ({ flag }) => flag },
  {
    name: 'docker',
    find: ({ broken }) => {
      if (broken !== undefined) throw new KsailError(broken as 'tool', `docker is ${broken}`)
    },
  },
  { name: 'ksail.yaml', find: async ({ file }, miss) => file ?? miss('no such key') },
])

describe('Chain', () => {
  it('takes the first answer and says where it is from', async () => {
    expect(await chain.resolve({ flag: 'a', file: 'b' })).toEqual({ value: 'a', from: '--registry', missed: [] })
    expect(await chain.resolve({ file: 'b' })).toMatchObject({
      value: 'b',
      from: 'ksail.yaml',
      missed: [
        { step: '--registry', why: 'not set' },
        { step: 'docker', why: 'not set' },
      ],
    })
  })

  it('lists every place and why when all miss', async () => {
    await expect(chain.resolve({})).rejects.toMatchObject({
      code: 'unresolved',
      exitCode: 6,
      message: 'no registry found; looked in',
      hint: 'pass --registry',
      details: ['1. --registry: not set', '2. docker: not set', '3. ksail.yaml: no such key'],
    })
  })

  it('passes on what to do about the last place where that is known to have it', async () => {
    const stopped = new Chain<object, string>('registry', 'pass --registry', [
      {
        name: 'docker',
        find: () => {
          throw new KsailError('unreachable', 'docker is down', { hint: 'start Docker' })
        },
      },
    ])
    await expect(stopped.resolve({})).rejects.toMatchObject({ hint: 'pass --registry' })
    await expect(stopped.resolve({}, { expected: true })).rejects.toMatchObject({ hint: 'start Docker' })
  })

  it.each(['tool', 'unreachable'])('goes on when a place is %s', async (broken) => {
    expect((await chain.resolve({ broken, file: 'b' })).missed[1]).toEqual({ step: 'docker', why: `docker is ${broken}` })
  })

  it('stops at a real error: a malformed value never falls through', async () => {
    await expect(chain.resolve({ broken: 'config', file: 'b' })).rejects.toMatchObject({ code: 'config' })
  })
})
