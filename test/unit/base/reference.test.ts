import fc from 'fast-check'
import { expect, it } from 'vitest'
import { formatReference, isLoopback, parseReference } from '../../../lib/base/reference.ts'

it.each(['localhost.example.com', 'host.docker.internal', '127.0.0.1.nip.io', '1.127.0.0'])('%s is not loopback', (host) =>
  expect(isLoopback(host)).toBe(false),
)

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
