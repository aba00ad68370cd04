import { KsailError } from '../base/errors.ts'
import type { Context } from '../base/context.ts'
import { answers } from '../tools/docker.ts'

type Answer = { readonly ok: true } | { readonly ok: false; readonly why: string; readonly details?: readonly string[] }

/** Where nodes and registries run. */
export interface Provider {
  readonly summary: string
  /** Nodes and registry are containers of Docker. */
  readonly containers: boolean
  /** Whether it can be used on this machine now; the reason when not. */
  answers(ctx: Context): Promise<Answer>
}

const hostAnswers = async ({ platform }: Context): Promise<Answer> =>
  platform === 'linux' || platform === 'darwin'
    ? { ok: true }
    : { ok: false, why: `a control plane does not run as processes on ${platform}` }

export const providers = {
  Docker: { summary: 'containers on this machine', containers: true, answers },
  Host: { summary: 'processes of this user on this machine', containers: false, answers: hostAnswers },
} as const satisfies Record<string, Provider>

export type ProviderName = keyof typeof providers

/** Whether clusters of a provider are made of containers. */
export const hasContainers = (name: string): boolean => isProvider(name) && (providers[name] as Provider).containers

/** Whether clusters of a provider are processes of this machine; not so while the provider is not known. */
export const hasProcesses = (name: string): boolean => isProvider(name) && !(providers[name] as Provider).containers

const isProvider = (name: string): name is ProviderName => Object.hasOwn(providers, name)

interface Wanted {
  /** The provider in the record of the cluster: a recorded cluster never changes it. */
  readonly recorded?: string | undefined
  readonly configured?: string | undefined
  /** Says in one line which one it is, and why, when nobody named one. */
  readonly say?: boolean | undefined
}

/**
 * The provider of a cluster, asked whether it answers: the record's, else the configured one, else (Auto) the first that answers.
 *
 * @example
 * const provider = await resolveProvider(ctx, { recorded: record?.provider, configured: 'Auto' })
 */
export const resolveProvider = async (ctx: Context, { recorded, configured = 'Auto', say = false }: Wanted): Promise<ProviderName> => {
  if (recorded !== undefined && configured !== 'Auto' && configured !== recorded)
    throw new KsailError('conflict', `this cluster was made with provider ${recorded}, not ${configured}`, {
      hint: 'delete the cluster first, or leave the provider as it was',
    })
  const wanted = recorded ?? (configured === 'Auto' ? undefined : configured)
  if (wanted !== undefined && !isProvider(wanted))
    throw new KsailError('usage', `there is no provider "${wanted}"`, { hint: `use one of ${Object.keys(providers).join(', ')}` })
  const candidates = wanted === undefined ? (Object.keys(providers) as ProviderName[]) : [wanted]
  const [reasons, details]: [string[], string[]] = [[], []]
  for (const name of candidates) {
    const answer: Answer = await providers[name].answers(ctx)
    if (answer.ok) {
      if (say && wanted === undefined)
        ctx.report({
          kind: 'note',
          text: `provider ${name}, ${providers[name].summary}, because ${reasons.length === 0 ? `${name} answers` : reasons.join(' and ')}`,
        })
      return name
    }
    reasons.push(answer.why)
    details.push(`${name}: ${answer.why}`, ...(answer.details ?? []).map((line) => `  ${line}`))
  }
  const start = 'start Docker, or set DOCKER_HOST to an engine that runs'
  // a cluster that is there cannot change its provider, and elsewhere than on Linux and macOS there is no other one
  const other = recorded === undefined && wanted === 'Docker' && ['linux', 'darwin'].includes(ctx.platform)
  throw new KsailError('unreachable', wanted === undefined ? 'no provider answers' : `provider ${wanted} does not answer`, {
    details,
    hint: wanted === 'Host' ? 'use Linux or macOS' : other ? `${start}, or pass --provider Host, which needs none` : start,
  })
}
