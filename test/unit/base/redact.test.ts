import fc from 'fast-check'
import { expect, it } from 'vitest'
import { redact, redactSetting } from '../../../lib/base/redact.ts'

it.each([
  ['get https://octo:pa@ss@ghcr.io/v2/ failed', 'get https://octo:****@ghcr.io/v2/ failed'],
  ['authorization: Basic dXNlcjpw', 'authorization: Basic ****'],
  ['AGE-SECRET-KEY-1QQPQ', '****'],
  ['github_pat_11AB_cd', '****'],
  ['\u001B[31mred\u001B[0m \u0007bell\tand\nline', 'red bell\tand\nline'],
])('hides what looks like a secret: %s', (text, expected) => expect(redact(text)).toBe(expected))

it.each([
  'oci://localhost:5050/k8s:dev@sha256:3f3f',
  'oci://ghcr.io:443/o/r@sha256:aa',
  'http://127.0.0.1:5050/v2/a@b',
  '{"author":"me"}',
  'basic things',
])('leaves %s', (text) => expect(redact(text)).toBe(text))

it('leaves the digest of a setting without credentials', () =>
  expect(redactSetting(`ghcr.io:443/o/r@sha256:${'a'.repeat(64)}`)).toBe(`ghcr.io:443/o/r@sha256:${'a'.repeat(64)}`))

it('hides a value in its URL, JSON and line forms', () => {
  expect(redact('p%40ss%2Fword', ['p@ss/word'])).toBe('****')
  expect(redact('{"p":"say \\"hi\\" now"}', ['say "hi" now'])).toBe('{"p":"****"}')
  expect(redact('only second', ['first line\nsecond'])).toBe('only ****')
})

it('never leaves a known secret', () => {
  const secret = fc.string({ minLength: 4, maxLength: 30 }).filter((text) => text.trim().length >= 4 && !/[\p{Cc}*]/u.test(text))
  fc.assert(
    fc.property(secret, fc.string(), fc.string(), (value, before, after) => !redact(`${before}${value}${after}`, [value]).includes(value)),
  )
})
