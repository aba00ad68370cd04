import { expect, it } from 'vitest'
import { ExecError, KsailError } from '../../../lib/base/errors.ts'
import { failureJson, failureOf } from '../../../lib/cli/failure.ts'

const lines = Array.from({ length: 30 }, (_, index) => `line ${index}`)
const child = new ExecError(
  'auth',
  'oras cp failed',
  { command: 'oras cp', file: 'oras', exitCode: 1, signal: null, stdout: '', stderr: `${lines.join('\n')}\n` },
  'sign in',
)

it('keeps the last 20 lines of a child, and all of them with -v', () => {
  expect(failureOf(child, false).details).toEqual(lines.slice(-20))
  expect(failureOf(child, true)).toMatchObject({ code: 'auth', message: 'oras cp failed', hint: 'sign in', details: lines })
})

it('takes what the operating system refuses for a failed step', () => {
  const refused = Object.assign(new Error("EACCES: permission denied, open 'k8s/a.yaml'"), { code: 'EACCES', syscall: 'open' })
  expect(failureOf(refused, false)).toMatchObject({ code: 'failed', exitCode: 1, message: refused.message })
})

it('calls everything else a bug, says how to report it, and shows the stack only with -v', () => {
  expect(failureOf(new TypeError('x is not a function'), false)).toMatchObject({
    code: 'bug',
    exitCode: 1,
    details: [],
    hint: expect.stringContaining('-v'),
  })
  const verbose = failureOf(new TypeError('x is not a function'), true)
  expect(verbose.message).toMatch(/^this is a bug of ksail \d+\.\d+\.\d+: x is not a function$/)
  expect(verbose.details[0]).toMatch(/^at /)
  expect(failureOf('a text', true)).toMatchObject({ code: 'bug', message: expect.stringContaining('a text') })
})

it('is an object with code, message and hint for programs', () => {
  expect(failureJson(new KsailError('usage', 'wrong'))).toEqual({ error: { code: 'usage', message: 'wrong', hint: null } })
  expect(failureJson(new KsailError('unresolved', 'none', { hint: 'look', details: ['1. here'] }))).toEqual({
    error: { code: 'unresolved', message: 'none', hint: 'look', details: ['1. here'] },
  })
})
