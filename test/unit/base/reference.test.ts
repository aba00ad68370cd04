import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatReference, isLoopback, parseClusterUrl, parseReference, usesPlainHttp } from '../../../lib/base/reference.ts'
import { outcome, vectors } from '../../fakes/vectors.ts'

describe('oci-reference', () => {
  it.each(vectors('oci-reference'))('$name', async ({ input, expected }) => {
    expect(await outcome(() => parseReference(input.text, input.use))).toEqual(expected)
  })
})

describe('oci-format', () => {
  it.each(vectors('oci-format'))('$name', ({ input, expected }) => {
    const { tag, digest, port, ...rest } = input
    expect(formatReference({ ...rest, tag: tag ?? undefined, digest: digest ?? undefined, port: port ?? undefined })).toBe(expected)
  })
})

describe('cluster-url', () => {
  it.each(vectors('cluster-url'))('$name', async ({ input, expected }) => {
    expect(await outcome(() => parseClusterUrl(input))).toEqual(expected)
  })
})

describe('plain-http', () => {
  it.each(vectors('plain-http'))('$name', ({ input, expected }) => {
    expect(usesPlainHttp(input.host, input.marked)).toBe(expected)
  })
  it.each(['localhost.example.com', 'host.docker.internal', '127.0.0.1.nip.io', '1.127.0.0'])('%s is not loopback', (host) => {
    expect(isLoopback(host)).toBe(false)
  })
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
