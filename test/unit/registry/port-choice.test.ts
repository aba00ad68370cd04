import { describe, expect, it } from 'vitest'
import { isKsailError } from '../../../lib/base/errors.ts'
import { runRegistry } from '../../../lib/registry/make.ts'
import { fakeContext } from '../../fakes/context.ts'
import { fakeExec } from '../../fakes/exec.ts'
import { vectors } from '../../fakes/vectors.ts'

describe('port-choice', () => {
  it.each(vectors('port-choice'))('$name', async ({ input, expected }) => {
    const ctx = fakeContext({ exec: fakeExec({ 'docker run *': 'id\n' }) })
    const options = {
      cluster: 'dev',
      owner: { id: 'abc', project: '/home/me/app' },
      image: 'registry:3',
      port: input.configured ?? undefined,
    }
    const result = await runRegistry(ctx, { ...options, isFree: async (port) => !input.used.includes(port) }).catch((error: unknown) => {
      if (!isKsailError(error, 'conflict')) throw error
      return { error: error.reason, port: Number(/port (\d+)/.exec(error.message)?.[1]) }
    })
    expect(result).toEqual(expected)
  })
})
