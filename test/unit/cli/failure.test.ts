import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ExecError, KsailError } from '../../../lib/base/errors.ts'
import { failureJson, failureOf } from '../../../lib/cli/failure.ts'
import { readText } from '../../../lib/io/files.ts'

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

it.each([
  [{ code: 'ENOSPC', syscall: 'write', path: '/s/a' }, 'failed', 'cannot write /s/a: no space is left on its disk', /room/],
  [{ code: 'EACCES', syscall: 'mkdir', path: '/s' }, 'failed', 'cannot make the folder /s: this user may not', /XDG_STATE_HOME/],
  [
    { code: 'EPERM', syscall: 'rename', path: '/s/.tmp', dest: '/s/a' },
    'failed',
    'cannot write /s/a: the system does not permit it',
    /KUBECONFIG/,
  ],
  [{ code: 'ENOENT', syscall: 'mkdir', path: '/s' }, 'failed', 'cannot make the folder /s: no folder can be made there', /another place/],
  [{ code: 'ELOOP', syscall: 'open', path: '/a.yaml' }, 'config', 'cannot open /a.yaml: its symbolic links lead in a circle', /link/],
  [{ code: 'ECONNRESET', syscall: 'read' }, 'failed', 'E: raw', undefined],
] as const)('says of %o what was refused, to what, why, and what to do', (fields, code, message, hint) => {
  const shown = failureOf(Object.assign(new Error('E: raw'), fields), false)
  expect(shown).toMatchObject({ code, message })
  if (hint === undefined) expect(shown.hint).toBeUndefined()
  else expect(shown.hint).toMatch(hint)
})

it('names the file that turns out to be a folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ksail.yaml-'))
  const thrown = await readText(folder).catch((error: unknown) => error)
  expect(failureOf(thrown, false)).toMatchObject({ exitCode: 2, message: `cannot read ${folder}: it is a folder, not a file` })
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
