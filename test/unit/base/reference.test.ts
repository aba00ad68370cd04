import fc from 'fast-check'
import { expect, it } from 'vitest'
import { formatReference, isLoopback, parseReference } from '../../../lib/base/reference.ts'
import { parseRegistrySetting } from '../../../lib/base/registry-setting.ts'

it.each(['localhost.example.com', 'host.docker.internal', '127.0.0.1.nip.io', '1.127.0.0'])('%s is not loopback', (host) =>
  expect(isLoopback(host)).toBe(false),
)

it.each([
  ['oci://ghcr.io/', parseReference],
  ['ghcr.io/', parseRegistrySetting],
])('takes a repository of 255 characters and no longer one: %s', (prefix, read) => {
  const name = (length: number): string => `${'a/'.repeat(120)}${'b'.repeat(length - 240)}`
  expect(read(`${prefix}${name(255)}:v1`, 'push')?.repository).toHaveLength(255)
  expect(() => read(`${prefix}${name(256)}:v1`, 'push')).toThrow(
    expect.objectContaining({ exitCode: 2, message: expect.stringContaining('256 characters'), hint: 'use at most 255' }),
  )
})

it('parses what it formats', () => {
  const word = fc.stringMatching(/^[a-z0-9]{1,8}$/)
  const reference = fc.record({
    host: fc.oneof(fc.constant('::1'), fc.constant('ghcr.io'), word),
    port: fc.option(fc.integer({ min: 1, max: 65535 }), { nil: undefined }),
    repository: fc.array(word, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/')),
    tag: fc.option(fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,20}$/), { nil: undefined }),
    digest: fc.option(fc.stringMatching(/^sha256:[0-9a-f]{64}$/), { nil: undefined }),
  })
  fc.assert(fc.property(reference, (it) => void expect(parseReference(formatReference(it), 'read')).toEqual(it)))
})
