import { describe, expect, it } from 'vitest'
import { classify, type Verdict } from '../../../lib/base/classify/index.ts'
import type { FailureKind } from '../../../lib/base/classify/rule.ts'
import { ExecError, KsailError } from '../../../lib/base/errors.ts'
import { backoff, causeOf, explain, retry } from '../../../lib/base/retry.ts'
import { fakeContext } from '../../fakes/context.ts'
import schedule from '../../vectors/backoff.json' with { type: 'json' }
import loops from '../../vectors/retry-loop.json' with { type: 'json' }

describe('backoff', () => {
  it.each(schedule)('$name', ({ input, expected }) => {
    const wait = backoff({ ...input, kind: input.kind as FailureKind, retryAfter: input.retryAfter ?? undefined })
    if (expected === null) expect(wait).toBeUndefined()
    else expect(wait).toBeCloseTo(expected, 6)
  })
  it('waits for the secondary limit once', () => {
    expect(backoff({ attempt: 2, attempts: 3, retry: true, kind: 'secondary', retryAfter: undefined, random: 0 })).toBeUndefined()
  })
})

const failed = (stderr: string): ExecError => new ExecError('exec', 'oras cp failed', { command: 'oras cp', file: 'oras', exitCode: 1, signal: null, stdout: '', stderr })

type Outcome = string | { class: string; retry: boolean }

describe('retry', () => {
  it.each(loops as { name: string; input: { attempts: number; outcomes: Outcome[] }; expected: { calls: number; result: string } }[])('$name', async ({ input, expected }) => {
    const ctx = fakeContext()
    let calls = 0
    const work = async (): Promise<string> => {
      const outcome = input.outcomes[calls++]
      if (outcome === 'ok') return 'ok'
      if (outcome === 'cancelled') throw new KsailError('interrupted', 'interrupted')
      throw Object.assign(failed('x'), { outcome })
    }
    const result = await retry(ctx, work, {
      attempts: input.attempts, budget: 180_000, limit: 90_000,
      judge: (error) => {
        const { outcome } = error as { outcome: Outcome }
        return { class: 'transient', retry: true, kind: 'ordinary', code: 'failed', hint: undefined, topic: undefined, retryAfter: undefined, ...(typeof outcome === 'object' ? outcome : {}) } as Verdict
      },
      done: async (error) => ((error as { outcome?: Outcome }).outcome === 'stored' ? 'ok' : undefined),
    }).catch((error: KsailError) => (error.code === 'interrupted' ? 'cancelled' : 'failed'))
    expect({ calls, result }).toEqual(expected)
    expect(ctx.events.filter(({ kind }) => kind === 'retry')).toHaveLength(expected.result === 'ok' ? input.outcomes.slice(0, calls).filter((it) => typeof it === 'object').length : calls - 1)
  })

  it('starts no attempt that could not end within the budget, and gives the last one what is left', async () => {
    const ctx = fakeContext({ random: () => 0.999 })
    const limits: number[] = []
    const busy = retry(ctx, async (timeout) => {
      limits.push(timeout)
      await ctx.sleep(timeout)
      throw failed('Error: 503')
    }, { attempts: 10, budget: 20_000, limit: 9_000, judge: (error) => classify({ tool: 'oras', exitCode: 1, stderr: (error as ExecError).result.stderr }) })
    await expect(busy).rejects.toThrow('oras cp failed')
    expect(limits).toHaveLength(2)
    expect(limits[1]).toBeLessThanOrEqual(9_000)
  })

  it('says what it waits for', async () => {
    const ctx = fakeContext()
    let calls = 0
    await retry(ctx, async () => {
      if (calls++ === 0) throw failed('progress\nError response from registry: toomanyrequests: retry-after: 1.5s, allowed: 2000/minute')
      return true
    }, { attempts: 3, budget: 60_000, limit: 9_000, judge: (error) => classify({ tool: 'oras', exitCode: 1, stderr: (error as ExecError).result.stderr }) })
    expect(ctx.events).toEqual([{ kind: 'retry', attempt: 2, of: 3, ms: 1500, text: 'Error response from registry: toomanyrequests: retry-after: 1.5s, allowed: 2000/minute (rate limit); again in 1.5 s' }])
  })
})

describe('explain', () => {
  it('puts the words of the child first and adds one hint', () => {
    const error = failed('Error: Head "http://localhost:5050/v2/": dial tcp 127.0.0.1:5050: connect: connection refused')
    const verdict = classify({ tool: 'oras', exitCode: 1, stderr: error.result.stderr, registry: 'localhost:5050' })
    expect(explain(error, verdict, 'pushing failed')).toMatchObject({ code: 'unreachable', exitCode: 6, message: expect.stringContaining('connection refused'), hint: expect.stringContaining('is the registry running') })
  })
  it('cuts what a proxy says in HTML', () => {
    expect(causeOf(failed('Error: unexpected status code 502 Bad Gateway: <html>\n<body>'))).toBe('Error: unexpected status code 502 Bad Gateway:')
  })
})
