import { KsailError } from '../base/errors.ts'
import type { Context } from '../base/context.ts'
import type { Target } from '../base/target.ts'
import { connect, type Kube } from '../tools/kube.ts'
import { readApplication } from './argocd/source.ts'
import type { ClusterSource, Engine, SourceOptions } from './engine.ts'
import { flux } from './flux.ts'
import { none } from './none.ts'

/** Every GitOps engine, by the name that flags and ksail.yaml use. */
export const engines = { None: none, Flux: flux } as const satisfies Record<string, Engine>

export type EngineName = keyof typeof engines

/** The engine of that name. */
export const engineOf = (name: string): Engine => {
  const engine: Engine | undefined = Object.hasOwn(engines, name) ? engines[name as EngineName] : undefined
  if (engine === undefined)
    throw new KsailError('config', `there is no GitOps engine ${name}`, { hint: `choose one of ${Object.keys(engines).join(', ')}` })
  return engine
}

/**
 * What a cluster reads, whoever made it: asked of the configured engine, then of the others, then of Argo CD's Application. Without a
 * connection one is made and closed.
 *
 * @example
 * const source = await clusterSource(ctx, target, { secret: true })
 */
export const clusterSource = async (
  ctx: Context,
  target: Target,
  { kube, ...options }: SourceOptions & { readonly kube?: Kube | undefined } = {},
): Promise<ClusterSource | undefined> => {
  const api = kube ?? (await connect(ctx, target))
  try {
    for (const engine of new Set<Engine>([engineOf(target.engine), ...Object.values(engines)])) {
      const source = !engine.follows ? undefined : await engine.source(ctx, target, api, options)
      if (source !== undefined) return source
    }
    return await readApplication(api)
  } finally {
    if (kube === undefined) await api.close()
  }
}
