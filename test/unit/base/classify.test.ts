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

  it.each([
    'HEAD "http://h:1/v2/app/manifests/dev": unknown response Content-Length',
    'failed to resolve digest: HTTP HEAD request missing required header "Docker-Content-Digest"',
    'PUT "http://h:1/v2/app/manifests/dev": response status code 200: OK',
  ])('knows the page of a web site: %s', (said) => {
    expect(classify({ tool: 'oras', exitCode: 1, stderr: `Error: ${said}`, registry: 'h:1' })).toMatchObject({
      retry: false,
      code: 'unreachable',
      hint: 'h:1 answers but is not a registry: check host, port and path',
    })
  })

  it('names the host that DNS does not know', () => {
    const stderr = 'Error: Head "https://cdn.example.com/x": dial tcp: lookup cdn.example.com on 10.0.0.1:53: no such host'
    expect(classify({ tool: 'oras', exitCode: 1, stderr, registry: 'ghcr.io' }).hint).toContain('cdn.example.com')
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
