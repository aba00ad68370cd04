import { classify, parseRetryAfter, type Verdict } from '../../lib/base/classify/index.ts'
import { ExecError, KsailError } from '../../lib/base/errors.ts'
import {
  clusterOfContext,
  mirrorEndpoint,
  mirrorName,
  nodeName,
  registryName,
  repositoryName,
  syncPath,
  validateName,
} from '../../lib/base/names.ts'
import { expandPlaceholders } from '../../lib/base/placeholders.ts'
import { redact, redactSetting } from '../../lib/base/redact.ts'
import { formatReference, parseClusterUrl, parseReference, usesPlainHttp } from '../../lib/base/reference.ts'
import { backoff, retry } from '../../lib/base/retry.ts'
import { fakeContext } from '../fakes/context.ts'
import { given, gives, type Topic } from './topic.ts'

const names: Record<string, (input: { cluster: string; host: string; number: number }) => string> = {
  registry: ({ cluster }) => registryName(cluster),
  volume: ({ cluster }) => registryName(cluster),
  mirror: ({ cluster, host }) => mirrorName(cluster, host),
  mirrorEndpoint: ({ cluster, host }) => mirrorEndpoint(cluster, host),
  controlPlane: ({ cluster }) => nodeName(cluster, 'control-plane'),
  worker: ({ cluster, number }) => nodeName(cluster, 'worker', number),
}

/** A fault: its hint holds the fragment that the table names, and there is none where the table names none. */
const fault: Topic = async ({ tool, stderr, exitCode, registry, class: kind, retry: again, hintContains }) => {
  const found = classify({ tool, stderr, exitCode, registry })
  const words = given(hintContains as string | null) ?? ''
  const hint = words === '' ? (found.hint ?? '') : found.hint?.includes(words) === true ? words : found.hint
  return { got: { class: found.class, retry: found.retry, hint }, want: { class: kind, retry: again, hint: words } }
}

type Outcome = string | { class: string; retry: boolean }

/** The run of attempts as a table tells it: each attempt ends as the next outcome says. */
const loop = async ({ attempts, outcomes }: { attempts: number; outcomes: readonly Outcome[] }) => {
  let calls = 0
  const work = async (): Promise<string> => {
    const outcome = outcomes[calls++]
    if (outcome === 'ok') return 'ok'
    if (outcome === 'cancelled') throw new KsailError('interrupted', 'interrupted')
    const failed = { command: 'oras cp', file: 'oras', exitCode: 1, signal: null, stdout: '', stderr: 'x' }
    throw Object.assign(new ExecError('exec', 'oras cp failed', failed), { outcome })
  }
  const usual = {
    class: 'transient',
    retry: true,
    kind: 'ordinary',
    code: 'failed',
    hint: undefined,
    topic: undefined,
    retryAfter: undefined,
  }
  const outcomeOf = (error: unknown): Outcome | undefined => (error as { outcome?: Outcome }).outcome
  const ctx = fakeContext()
  const result = await retry(ctx, work, {
    attempts,
    budget: 180_000,
    limit: 90_000,
    judge: (error) => {
      const outcome = outcomeOf(error)
      return { ...usual, ...(typeof outcome === 'object' ? outcome : {}) } as Verdict
    },
    done: async (error) => (outcomeOf(error) === 'stored' ? 'ok' : undefined),
  }).catch((error: KsailError) => (error.code === 'interrupted' ? 'cancelled' : 'failed'))
  return { calls, result }
}

const round = (value: number): number => Number(value.toFixed(6))

export const baseTopics = {
  'oci-reference': gives(({ text, use }) => parseReference(text, use)),
  'oci-format': gives(({ tag, digest, port, ...rest }) =>
    formatReference({ ...rest, tag: given(tag), digest: given(digest), port: given(port) }),
  ),
  'cluster-url': gives((url) => parseClusterUrl(url)),
  'plain-http': gives(({ host, marked }) => usesPlainHttp(host, marked)),
  placeholders: async ({ input, expected }) =>
    gives(
      ({ text, env, setting }) => expandPlaceholders(text, env, setting),
      ({ message }) => {
        const words = message.split(' ')
        return { variable: words.find((word) => word === `${expected.variable},`)?.slice(0, -1), setting: words[0] }
      },
    )({ input, expected }),
  redaction: gives(({ kind, text, secrets }) => (kind === 'setting' ? redactSetting(text) : redact(text, secrets))),
  'name-validation': gives((input) => {
    const name = validateName(input)
    return name === undefined ? 'default' : name === input ? 'ok' : name
  }),
  'container-names': gives(({ what, ...input }) => {
    const make = names[what]
    if (make === undefined) throw new Error(`no name of a "${what}" is known`)
    return make(input)
  }),
  'kube-context': gives((input) => clusterOfContext(input)),
  'repository-name': gives(({ projectDirectory, sourceDirectory }) => repositoryName(projectDirectory, sourceDirectory)),
  'sync-path': gives((input) => syncPath(input)),
  faults: fault,
  'faults-mutated': fault,
  'retry-after': gives((text) => parseRetryAfter(text)),
  backoff: gives((input) => {
    const wait = backoff({ ...input, retryAfter: given(input.retryAfter) })
    return wait === undefined ? undefined : round(wait)
  }),
  'retry-loop': gives(loop),
} satisfies Record<string, Topic>
