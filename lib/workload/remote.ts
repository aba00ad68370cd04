import { classify, type Verdict } from '../base/classify/index.ts'
import type { Context } from '../base/context.ts'
import { formatDuration, parseWait } from '../base/duration.ts'
import { ExecError, isKsailError, KsailError, usageError } from '../base/errors.ts'
import { hostPort } from '../base/reference.ts'
import { explain, retry, type RetryOptions } from '../base/retry.ts'
import type { Destination } from '../config/registry.ts'
import { withCredentials } from '../registry/credential-folder.ts'
import { resolveCredentials, type Credentials } from '../registry/credentials.ts'
import * as oras from '../tools/oras.ts'

/** A repository that can be talked to: credentials at hand, faults understood. */
export interface Remote {
  /** `host[:port]`. */
  readonly host: string
  /** `host[:port]/repository`. */
  readonly repository: string
  readonly access: oras.Access
  readonly credentials: Credentials
  /** Asks something within a time (ms; default that of a question by the way) and what is left of the whole; throws `timeout` when nothing is. */
  ask<T>(work: (timeout: number) => Promise<T>, usual?: number): Promise<T>
  /** The digest that a tag or digest names now; undefined when there is none. */
  resolve(tag: string, options?: Pick<oras.Access, 'timeout' | 'onStart'>): Promise<string | undefined>
  /** What a failure of a child means. */
  judge(error: unknown): Verdict | undefined
  /** Does it again where that may help; what stays is explained. */
  retry<T>(what: string, work: (timeout: number) => Promise<T>, options?: Partial<RetryOptions<T>>): Promise<T>
}

interface Limits {
  readonly attempts: number
  readonly budget: number
}

/** KSAIL_PUSH_ATTEMPTS and KSAIL_PUSH_TIMEOUT. */
export const readLimits = (env: Context['env']): Limits => {
  const attempts = env['KSAIL_PUSH_ATTEMPTS'] || '3'
  if (!/^\d+$/.test(attempts) || Number(attempts) < 1 || Number(attempts) > 10)
    throw usageError(`KSAIL_PUSH_ATTEMPTS: ${attempts} is not a number from 1 to 10`, 'set it to a number from 1 to 10, or unset it')
  const text = env['KSAIL_PUSH_TIMEOUT'] || '3m'
  const budget = parseWait(/^\d+$/.test(text) ? `${text}s` : text)
  if (budget === undefined) throw usageError(`KSAIL_PUSH_TIMEOUT: ${text} is no duration from 1ms to 24h`, 'write it as 90s or 3m')
  return { attempts: Number(attempts), budget }
}

/** What is left of a time that passes only while something is under way; what runs side by side counts once. */
const createBudget = (now: () => number, whole: number) => {
  let [spent, since, running] = [0, 0, 0]
  return {
    left: (): number => whole - spent - (running > 0 ? now() - since : 0),
    during: async <T>(work: () => Promise<T>): Promise<T> => {
      if (running++ === 0) since = now()
      try {
        return await work()
      } finally {
        if (--running === 0) spent += now() - since
      }
    },
  }
}

/** How long one attempt may take, at most half of the budget: the child is ended then, and the attempt counts as a timeout. */
const ATTEMPT = 90_000
/** How long a question may take that a push asks by the way. */
const QUESTION = 15_000

type Place = Pick<Destination, 'reference' | 'username' | 'password' | 'external' | 'plainHttp'> & {
  readonly registryFrom?: string | undefined
}

const judgeWith =
  (ctx: Context, host: string, place: Place, credentials: Credentials) =>
  (error: unknown): Verdict | undefined => {
    const timedOut = isKsailError(error, 'timeout')
    if (!timedOut && !(error instanceof ExecError && (error.code === 'exec' || error.result.stderr !== ''))) return undefined
    const verdict = classify(
      {
        tool: 'oras',
        exitCode: error instanceof ExecError ? error.result.exitCode : null,
        stderr: error instanceof ExecError ? error.result.stderr : '',
        registry: host,
        timedOut,
      },
      { repository: place.reference.repository },
    )
    if (verdict.class !== 'auth') return verdict
    // without a login nothing can heal: GHCR answers such a push with a misleading 403
    if (credentials.source === 'anonymous')
      return {
        ...verdict,
        retry: false,
        code: place.external ? 'unresolved' : 'auth',
        hint: `no credentials for ${host} were found: run docker login ${host}, or put user:password into the registry setting`,
      }
    return ctx.env['KSAIL_PUSH_RETRY_AUTH'] === 'true' ? { ...verdict, retry: true } : verdict
  }

/**
 * Talks to the repository of a destination with the credentials that belong to its host, which are gone from disk afterwards.
 *
 * @example
 * await withRemote(ctx, destination, (remote) => remote.resolve('dev'))
 */
export const withRemote = async <T>(ctx: Context, place: Place, work: (remote: Remote) => Promise<T>, limit?: number): Promise<T> => {
  const host = hostPort(place.reference)
  const login = { host, username: place.username, password: place.password }
  const fromCluster = place.registryFrom?.startsWith('cluster:') === true
  const credentials = await resolveCredentials(ctx, host, {
    ...(fromCluster ? { cluster: async () => login } : { setting: login }),
    // a local registry asks nobody who they are, and a broken configuration of Docker must not stop it
    docker: place.external,
  })
  if (place.plainHttp && place.external && credentials.source !== 'anonymous')
    throw new KsailError('refused', `credentials for ${host} would travel in clear`, {
      hint: 'leave --plain-http away, or use a registry without a login',
    })
  const { attempts, budget } = readLimits(ctx.env)
  // who names the time for pushes has the last word
  const whole = ctx.env['KSAIL_PUSH_TIMEOUT'] ? budget : Math.max(budget, limit ?? 0)
  const { left, during } = createBudget(ctx.now, whole)
  const judge = judgeWith(ctx, host, place, credentials)
  const repository = `${host}/${place.reference.repository}`
  return withCredentials(ctx, host, credentials, (config) => {
    const access = { plainHttp: place.plainHttp, config }
    const ask: Remote['ask'] = async (question, usual = Math.min(QUESTION, whole / 4)) => {
      const timeout = Math.ceil(Math.min(usual, left()))
      if (timeout <= 0) throw new KsailError('timeout', `${host} did not answer within ${formatDuration(whole)}`)
      return during(() => question(timeout))
    }
    return work({
      host,
      repository,
      access,
      credentials,
      judge,
      ask,
      resolve: (tag, { timeout: usual, onStart } = {}) => {
        const reference = tag.startsWith('sha256:') ? `${repository}@${tag}` : `${repository}:${tag}`
        return ask((timeout) => oras.resolve(ctx, reference, { ...access, timeout, onStart }), usual)
      },
      retry: async (what, attempt, options = {}) => {
        try {
          const most = Math.max(Math.min(ATTEMPT, whole / 2), limit ?? 0)
          return await during(() => retry(ctx, attempt, { attempts, budget: left(), limit: most, judge, ...options }))
        } catch (error) {
          throw explain(error, judge(error), what)
        }
      },
    })
  })
}
