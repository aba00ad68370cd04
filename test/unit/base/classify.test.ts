import { describe, expect, it } from 'vitest'
import { classify, parseRetryAfter } from '../../../lib/base/classify/index.ts'
import { HINTS } from '../../../lib/base/classify/hints.ts'
import faults from '../../vectors/faults.json' with { type: 'json' }
import mutated from '../../vectors/faults-mutated.json' with { type: 'json' }
import waits from '../../vectors/retry-after.json' with { type: 'json' }

interface Fault {
  tool: string
  stderr: string
  exitCode: number
  class: string
  retry: boolean
  hintContains: string | null
  registry?: string
}

const judged = ({ tool, stderr, exitCode, registry, hintContains }: Fault) => {
  const { class: kind, retry, hint } = classify({ tool, stderr, exitCode, registry })
  return { class: kind, retry, hint: hintContains === null || hintContains === '' ? hint : hint?.includes(hintContains) === true ? hintContains : hint }
}

describe.each([['faults', faults], ['mutated', mutated]] as unknown as [string, Fault[]][])('classify: %s', (_name, rows) => {
  it.each(rows.map((row, index) => ({ ...row, title: `${index} ${row.tool}: ${row.stderr.slice(0, 90)}` })))('$title', (row) => {
    expect(judged(row)).toEqual({ class: row.class, retry: row.retry, hint: row.hintContains === null || row.hintContains === '' ? undefined : row.hintContains })
  })
})

describe('classify', () => {
  it.each(['app-503', 'rate-limit', 'timeout', 'denied', 'x/503/forbidden'])('does not read a repository named %s', (name) => {
    expect(classify({ tool: 'oras', exitCode: 1, stderr: `Error: something odd happened to localhost:5050/${name}:v1` })).toMatchObject({ class: 'permanent', retry: false, hint: undefined })
  })

  it('has the hint contain the words that name it', () => {
    for (const [topic, { text }] of Object.entries(HINTS)) expect(text).toContain(topic)
  })
})

describe('parseRetryAfter', () => {
  it.each(waits)('$name', ({ input, expected }) => expect(parseRetryAfter(input) ?? null).toBe(expected))
  it('adds units up', () => expect(parseRetryAfter('retry-after: 1m30s')).toBe(90))
  it('reads both signs of micro', () => expect([parseRetryAfter('retry-after: 500µs'), parseRetryAfter('retry-after: 500μs')]).toEqual([0.0005, 0.0005]))
})
