import { expect, it, vi } from 'vitest'
import { answerOf } from '../../../lib/workload/answer.ts'
import { fakeContext } from '../../fakes/context.ts'

it('gives what the cluster says', async () => {
  expect(await answerOf(fakeContext(), { name: 'dev', timeout: 1000 }, Promise.resolve(7))).toBe(7)
  await expect(answerOf(fakeContext(), { name: 'dev', timeout: 1000 }, Promise.reject(new Error('no')))).rejects.toThrow('no')
})

it('waits no longer than the whole wait may take, and says what it waits for', async () => {
  vi.useFakeTimers()
  try {
    const ctx = fakeContext()
    const waiting = answerOf(ctx, { name: 'dev', timeout: 8000 }, new Promise(() => undefined))
    const ended = expect(waiting).rejects.toMatchObject({ code: 'timeout', exitCode: 5, message: 'cluster dev does not answer after 8s' })
    await vi.advanceTimersByTimeAsync(5000)
    expect(ctx.events).toEqual([{ kind: 'wait', text: 'waiting for cluster dev to answer' }])
    await vi.advanceTimersByTimeAsync(3000)
    await ended
    expect(vi.getTimerCount()).toBe(0)
  } finally {
    vi.useRealTimers()
  }
})
