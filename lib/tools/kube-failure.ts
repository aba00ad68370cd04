import { KsailError, type ErrorCode } from '../base/errors.ts'

/** What an API server answered instead of doing it. `status` is the HTTP status, undefined when there was no answer. */
export class KubeError extends KsailError {
  override readonly name = 'KubeError'
  readonly status: number | undefined

  constructor(code: ErrorCode, message: string, status: number | undefined, hint?: string) {
    super(code, message, { hint })
    this.status = status
  }
}

const TRANSIENT =
  /connection refused|connection reset|i\/o timeout|EOF|no matches for kind|could not find the requested resource|socket hang up|ECONNRESET|ECONNREFUSED/
const NO_ANSWER =
  /connection refused|connection reset|i\/o timeout|no such host|TLS handshake|EOF|socket hang up|ECONNRE|ENOENT|network is unreachable|no route to host/

/** Whether an API failure may heal by itself within moments, as while a cluster starts. */
export const isTransient = ({
  status,
  error = '',
}: {
  readonly status?: number | undefined
  readonly error?: string | undefined
}): boolean => (status !== undefined && [404, 409, 429, 503, 504].includes(status)) || /\bTimeout\b/.test(error) || TRANSIENT.test(error)

const UNTRUSTED = /certificate|\bx509\b/i

/** No answer, or one of somebody whom the kubeconfig does not know. */
export const unanswered = (why: string, status?: number): KubeError =>
  UNTRUSTED.test(why)
    ? new KubeError(
        'unreachable',
        `what answers is not the cluster that the kubeconfig describes: ${why}`,
        status,
        'run ksail cluster create, which writes the context of a cluster that was made again',
      )
    : new KubeError('unreachable', `the cluster does not answer: ${why}`, status, DOWN)

/** What a person does about a cluster that does not answer. */
export const DOWN = 'run ksail cluster info to see what is down, ksail cluster start to start it'

const reasonOf = (body: string): string => {
  try {
    return (JSON.parse(body) as { message?: string }).message ?? body
  } catch {
    return body.trim()
  }
}

/** The failure that an answer of the API server means; `what` is what was asked. */
export const failureOf = (status: number, body: string, what: string): KubeError => {
  const reason = reasonOf(body).slice(0, 600)
  if (status >= 500 && (NO_ANSWER.test(reason) || /failed to verify certificate/.test(reason))) return unanswered(reason, status)
  if (/getting credentials|exec plugin/i.test(reason))
    return new KubeError('auth', `the cluster's credential plugin failed: ${reason}`, status, 'sign in to the cluster again')
  if (status === 401 || status === 403)
    return new KubeError('auth', `${what}: ${reason || 'not allowed'}`, status, 'use a context that may do this, or sign in again')
  if (status === 409)
    return new KubeError('conflict', `${what}: ${reason}`, status, 'another program changed it at the same moment: run the command again')
  return new KubeError('failed', `${what}: ${reason || `status ${status}`}`, status)
}
