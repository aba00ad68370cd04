import { describe, expect, it } from 'vitest'
import { classify, parseRetryAfter } from '../../../lib/base/classify/index.ts'
import { HINTS } from '../../../lib/base/classify/hints.ts'

describe('classify', () => {
  it.each(['app-503', 'rate-limit', 'timeout', 'denied', 'x/503/forbidden'])('does not read a repository named %s', (name) => {
    expect(classify({ tool: 'oras', exitCode: 1, stderr: `Error: something odd happened to localhost:5050/${name}:v1` })).toMatchObject({
      class: 'permanent',
      retry: false,
      hint: undefined,
    })
  })

  it('has the hint contain the words that name it', () => {
    for (const [topic, { text }] of Object.entries(HINTS)) expect(text).toContain(topic)
  })
})

describe('parseRetryAfter', () => {
  it('adds units up', () => expect(parseRetryAfter('retry-after: 1m30s')).toBe(90))
  it('reads both signs of micro', () =>
    expect([parseRetryAfter('retry-after: 500µs'), parseRetryAfter('retry-after: 500μs')]).toEqual([0.0005, 0.0005]))
})
