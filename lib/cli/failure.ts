import { ExecError, isKsailError, KsailError, messageOf } from '../base/errors.ts'
import { refusalOf } from '../base/refusal.ts'
import { version } from '../io/version.ts'

/** Whatever was thrown, as the error that is shown. What is none of ours is a bug, unless the operating system refused something. */
export const failureOf = (thrown: unknown, verbose: boolean): KsailError => {
  if (thrown instanceof ExecError && verbose)
    return new KsailError(thrown.code, thrown.message, {
      hint: thrown.hint,
      details: (thrown.result.stderr || thrown.result.stdout).trimEnd().split('\n'),
    })
  if (isKsailError(thrown)) return thrown
  const { code, syscall } = (thrown ?? {}) as NodeJS.ErrnoException
  if (typeof code === 'string' && typeof syscall === 'string') return refusalOf(thrown as NodeJS.ErrnoException)
  const stack =
    thrown instanceof Error
      ? (thrown.stack
          ?.split('\n')
          .slice(1)
          .map((line) => line.trim()) ?? [])
      : []
  return new KsailError('bug', `this is a bug of ksail ${version()}: ${messageOf(thrown)}`, {
    cause: thrown,
    details: verbose ? stack : [],
    hint: verbose
      ? 'report it with the command and everything above'
      : 'run the command again with -v, and report it with what that prints',
  })
}

/** The error as programs read it. */
export const failureJson = ({ code, message, hint, details }: KsailError): object => ({
  error: { code, message, hint: hint ?? null, ...(details.length === 0 ? {} : { details }) },
})
