import { expect, it, vi } from 'vitest'
import { createAsker } from '../../../lib/io/prompt.ts'

it('fails with status 6 and the question where nobody can answer', async () => {
  const ask = createAsker({ available: false })
  for (const asked of [ask.confirm('delete it?'), ask.text('delete it?'), ask.select('delete it?', ['a'])])
    await expect(asked).rejects.toMatchObject({ code: 'unresolved', exitCode: 6, message: 'nobody is here to answer: delete it?' })
})

it('says at the question what is wrong with an answer, and takes the default for none', async () => {
  let validate: ((given: string | undefined) => string | undefined) | undefined
  vi.doMock('@clack/prompts', () => ({ text: async (options: { validate: typeof validate }) => ((validate = options.validate), 'right') }))
  const ask = createAsker({ available: true })
  const check = (answer: string): void => {
    if (answer !== 'right') throw new Error(`${answer} is wrong`)
  }
  expect(await ask.text('which?', 'right', check)).toBe('right')
  expect(['wrong', 'right', '', undefined].map((given) => validate?.(given))).toEqual(['wrong is wrong', undefined, undefined, undefined])
  vi.doUnmock('@clack/prompts')
})
