import { describe, expect, it } from 'vitest'
import { classify } from '../../../lib/base/classify/index.ts'
import { ExecError } from '../../../lib/base/errors.ts'
import { backoff, causeOf, explain, retry } from '../../../lib/base/retry.ts'
import { fakeContext } from '../../fakes/context.ts'

describe('backoff', () => {
  it('waits for the secondary limit once', () => {
    expect(backoff({ attempt: 2, attempts: 3, retry: true, kind: 'secondary', retryAfter: undefined, random: 0 })).toBeUndefined()
  })
})

const failed = (stderr: string): ExecError =>
  new ExecError('exec', 'oras cp failed', { command: 'oras cp', file: 'oras', exitCode: 1, signal: null, stdout: '', stderr })

describe('retry', () => {
  it('starts no attempt that could not end within the budget, and gives the last one what is left', async () => {
    const ctx = fakeContext({ random: () => 0.999 })
    const limits: number[] = []
    const busy = retry(
      ctx,
      async (timeout) => {
        limits.push(timeout)
        await ctx.sleep(timeout)
        throw failed('Error: 503')
      },
      {
        attempts: 10,
        budget: 20_000,
        limit: 9_000,
        judge: (error) => classify({ tool: 'oras', exitCode: 1, stderr: (error as ExecError).result.stderr }),
      },
    )
    await expect(busy).rejects.toThrow('oras cp failed')
    expect(limits).toHaveLength(2)
    expect(limits[1]).toBeLessThanOrEqual(9_000)
  })

  it('says what it waits for', async () => {
    const ctx = fakeContext()
    let calls = 0
    await retry(
      ctx,
      async () => {
        if (calls++ === 0) throw failed('progress\nError response from registry: toomanyrequests: retry-after: 1.5s, allowed: 2000/minute')
        return true
      },
      {
        attempts: 3,
        budget: 60_000,
        limit: 9_000,
        judge: (error) => classify({ tool: 'oras', exitCode: 1, stderr: (error as ExecError).result.stderr }),
      },
    )
    expect(ctx.events).toEqual([
      {
        kind: 'retry',
        attempt: 1,
        of: 3,
        ms: 1500,
        text: 'Error response from registry: toomanyrequests: retry-after: 1.5s, allowed: 2000/minute (rate limit)',
      },
    ])
  })
})

describe('explain', () => {
  it('puts the words of the child first and adds one hint', () => {
    const error = failed('Error: Head "http://localhost:5050/v2/": dial tcp 127.0.0.1:5050: connect: connection refused')
    const verdict = classify({ tool: 'oras', exitCode: 1, stderr: error.result.stderr, registry: 'localhost:5050' })
    expect(explain(error, verdict, 'pushing failed')).toMatchObject({
      code: 'unreachable',
      exitCode: 6,
      message: expect.stringContaining('connection refused'),
      hint: expect.stringContaining('is the registry running'),
    })
  })
  it('cuts what a proxy says in HTML', () => {
    expect(causeOf(failed('Error: unexpected status code 502 Bad Gateway: <html>\n<body>'))).toBe(
      'Error: unexpected status code 502 Bad Gateway:',
    )
  })
})
