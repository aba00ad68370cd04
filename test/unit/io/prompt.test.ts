import { expect, it } from 'vitest'
import { createAsker } from '../../../lib/io/prompt.ts'

it('fails with status 6 and the question where nobody can answer', async () => {
  const ask = createAsker({ available: false })
  for (const asked of [ask.confirm('delete it?'), ask.text('delete it?'), ask.select('delete it?', ['a'])])
    await expect(asked).rejects.toMatchObject({ code: 'unresolved', exitCode: 6, message: 'nobody is here to answer: delete it?' })
})
