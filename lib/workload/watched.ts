import type { Context } from '../base/context.ts'
import { isKsailError, KsailError, messageOf } from '../base/errors.ts'
import type { Target } from '../base/target.ts'
import { within } from '../base/within.ts'
import type { Project } from '../config/project.ts'
import type { ClusterSource } from '../engines/engine.ts'
import { clusterSource } from '../engines/index.ts'
import { readText } from '../io/files.ts'
import { readRecord } from '../providers/record.ts'
import { connect, type Kube } from '../tools/kube.ts'
import { refuseOthers } from './owner.ts'

/** Why a kubeconfig cannot name the context, without a parser: a name that is not in the text is not in the file. */
const whyUnnamed = async ({ kubeconfig, context }: Target): Promise<KsailError | undefined> => {
  const text = await readText(kubeconfig).catch(() => '')
  if (text?.includes(context) === true) return undefined
  return new KsailError(
    'unreachable',
    text === undefined ? `there is no kubeconfig ${kubeconfig}` : `${kubeconfig} has no context ${context}`,
  )
}

/** What a push asks by the way may not keep it waiting for longer (ms). */
const PATIENCE = 3000
/** The only one that can say where it goes, and far away, may take its time. */
const FAR = 10_000

/** The answer to a question that a push asks by the way. */
export const soon = <T>(work: Promise<T>, patience = PATIENCE): Promise<T> =>
  within(patience, work, () => new KsailError('unreachable', `no answer within ${patience / 1000} s`))

/** The cluster of a push, asked once, while it packs and sends. */
export interface Watched {
  /** undefined: it did not answer, and is asked nothing more. */
  readonly kube: Kube | undefined
  readonly source: ClusterSource | undefined
  /** Why it could not be asked. */
  readonly failure?: KsailError | undefined
}

interface WatchOptions {
  /** Nobody else says where the push goes: reads what the cluster pulls with, too. */
  readonly secret: boolean
  /** The cluster is going to be written to: one of another project is an error. */
  readonly writes: boolean
}

/**
 * Reads what the cluster reads, over the connection that the verb shares. A cluster that does not answer, or is another project's, is told in
 * one line; one that no kubeconfig names is not asked.
 */
export const watchCluster = async (ctx: Context, project: Project, { secret, writes }: WatchOptions): Promise<Watched> => {
  const { target } = project
  const failure = await whyUnnamed(target)
  if (failure !== undefined) return { kube: undefined, source: undefined, failure }
  const ask = async (): Promise<Watched> => {
    const kube = await connect(ctx, target)
    const [source] = await Promise.all([clusterSource(ctx, target, { kube, secret }), refuseOthers(ctx, project, kube)])
    return { kube, source }
  }
  // beside a cluster of ours there is a registry to fall back on
  const patience = secret && (await readRecord(ctx, target.name)) === undefined ? FAR : PATIENCE
  try {
    return await soon(ask(), patience)
  } catch (error) {
    if (isKsailError(error, 'interrupted', 'terminated')) throw error
    const others = isKsailError(error, 'conflict')
    if (others && writes) throw error
    const text = `whether cluster ${target.name} reads what is pushed was not checked: ${messageOf(error)}`
    ctx.report({ kind: others ? 'warn' : 'note', text })
    return { kube: undefined, source: undefined, failure: new KsailError('unreachable', messageOf(error), { cause: error }) }
  }
}
