import type { Context } from '../base/context.ts'
import { KsailError, usageError } from '../base/errors.ts'
import { step } from '../base/events.ts'
import { hostPort, parseReference } from '../base/reference.ts'
import { loadProject, tagOf, type Project, type ProjectOptions } from '../config/project.ts'
import { isNamed } from '../config/registry-chain.ts'
import { resolveDestination, type Destination } from '../config/registry.ts'
import type { ClusterSource, ReconcileResult } from '../engines/engine.ts'
import { engineOf } from '../engines/index.ts'
import { connect, sharingKube, type Kube } from '../tools/kube.ts'
import { answerOf } from './answer.ts'
import { readPushes, type LastPush } from './last-push.ts'
import { mismatchOf } from './mismatch.ts'
import { refuseOthers } from './owner.ts'
import { withRemote } from './remote.ts'

export interface ReconcileOptions extends ProjectOptions {
  /** Where the artifact is, as `oci://host/repository[:tag]`. */
  readonly ref?: string | undefined
  /** The digest to wait for, instead of the one that was pushed last. */
  readonly digest?: string | undefined
  /** Follows the tag when it moves on meanwhile. */
  readonly latest?: boolean | undefined
  readonly plainHttp?: boolean | undefined
}

/** What a push that goes on to reconcile knows already. */
export interface Known {
  readonly project: Project
  readonly destination: Destination
  readonly kube?: Kube | undefined
  readonly source?: ClusterSource | undefined
  /** Settles when the tag names the digest. */
  readonly sent: Promise<unknown>
  /** Settles when everything about the push has been told. */
  readonly told: Promise<unknown>
}

const LAST_PUSH = 'last push of this project'

interface Wanted {
  readonly digest: string
  /** Who said so, for people. */
  readonly from: string
}

/** What the project says that it pushes and the cluster reads must be the same, or the wait would be for something that never comes. */
const sameOrThrow = (project: Project, source: ClusterSource, destination: Destination | undefined): void => {
  const { config, cluster } = project
  const wrong =
    destination === undefined
      ? undefined
      : mismatchOf(
          cluster.name,
          { ...destination.reference, tags: [destination.reference.tag, ...config.alsoTags] },
          { ...source, digest: undefined },
        )
  const tag = tagOf(project, { registry: source.tag }).tag
  const other =
    destination === undefined && source.tag !== undefined && ![tag, ...config.alsoTags].includes(source.tag)
      ? `tag ${tag} is configured, but ${source.resource} of the cluster reads ${source.url.replace(/^oci:\/\//, '')}:${source.tag}`
      : wrong
  if (other === undefined) return
  throw new KsailError('unresolved', other.replace(/: it will not see this push$/, '').replace(/^pushed /, 'pushes go to '), {
    reason: 'mismatch',
    hint: 'run ksail cluster create, which makes the cluster read what is pushed, or name the other registry or tag',
  })
}

/** The newest push of this project to what the cluster reads. */
const lastPush = (
  pushes: readonly LastPush[],
  cluster: string,
  source: ClusterSource,
  destination: Destination | undefined,
): LastPush | undefined =>
  pushes.find(({ repository, tag }) => {
    if (source.tag !== undefined && tag !== source.tag) return false
    if (destination !== undefined) return repository === `${hostPort(destination.reference)}/${destination.reference.repository}`
    const reference = parseReference(`oci://${repository}`, 'read')
    return reference !== undefined && mismatchOf(cluster, { ...reference, tags: [tag] }, { ...source, digest: undefined }) === undefined
  })

/**
 * Makes the cluster take what was pushed and waits until it is live: that digest, applied everywhere, rolled out. The digest is `--digest`,
 * else what this project pushed last to what the cluster reads, else what its tag names now. Throws `notReady` with the reasons as soon as
 * something fails, `timeout` with what was not done, `conflict` when the tag moved to another digest.
 *
 * @example
 * const { revision, phases } = await reconcile({ timeout: '2m' }, createContext())
 */
export const reconcile = (options: ReconcileOptions, ctx: Context, known?: Known): Promise<ReconcileResult> =>
  sharingKube(ctx, () => reconcileNow(options, ctx, known))

const reconcileNow = async (options: ReconcileOptions, ctx: Context, known?: Known): Promise<ReconcileResult> => {
  if (options.digest !== undefined && !/^sha256:[0-9a-f]{64}$/.test(options.digest))
    throw usageError(`"${options.digest}" is not a digest`, 'write it as sha256: and 64 hexadecimal digits')
  const project = known?.project ?? (await loadProject(options, ctx))
  const { target, directory } = project
  const engine = engineOf(target.engine)
  // without an engine the error says so before a cluster is asked
  if (!engine.follows) return engine.reconcile(ctx, target, { digest: '', tag: '' })
  const pushes = readPushes(directory)
  const kube = known?.kube ?? (await connect(ctx, target))
  try {
    const isKnown = known !== undefined || isNamed({ ref: options.ref, project }, ctx)
    const ask = async (): Promise<ClusterSource | undefined> => {
      const asked = engine.source(ctx, target, kube, { secret: !isKnown })
      const [found] = await Promise.all([asked, refuseOthers(ctx, project, kube)])
      return found
    }
    const source = known?.source ?? (await answerOf(ctx, target, ask()))
    if (source === undefined)
      throw new KsailError('unresolved', `cluster ${target.name} (context ${target.context}) reads no artifact`, {
        hint: `run ksail cluster create, which configures ${target.engine}`,
      })
    let resolving: Promise<Destination> | undefined
    const destination = (): Promise<Destination> =>
      (resolving ??=
        known === undefined
          ? resolveDestination({ ref: options.ref, project, options, cluster: async () => source }, ctx)
          : Promise.resolve(known.destination))
    // a registry that is named costs nothing to resolve; one that only the cluster names is what the cluster reads
    const named = isKnown ? await destination() : undefined
    sameOrThrow(project, source, named)
    const tag = source.tag ?? target.tag
    const head = async (timeout?: number): Promise<string | undefined> =>
      withRemote(ctx, await destination(), (remote) => remote.resolve(tag, { timeout }))
    const find = async (): Promise<Wanted> => {
      if (options.digest !== undefined) return { digest: options.digest, from: known === undefined ? '--digest' : 'just pushed' }
      const last = options.latest === true ? undefined : lastPush(await pushes, target.name, source, named)
      if (last !== undefined) return { digest: last.digest, from: LAST_PUSH }
      const digest = await head()
      if (digest !== undefined) return { digest, from: `what tag ${tag} names now` }
      throw new KsailError('unresolved', `there is no artifact ${source.url.replace(/^oci:\/\//, '')}:${tag} yet`, {
        hint: 'run ksail workload push',
      })
    }
    const { digest, from } = await find()
    // beside the wait: a push from elsewhere, which the cluster may not have seen yet, is about to replace what was waited for. A registry that does not answer has nothing to say about that
    const moved = from === LAST_PUSH ? head(5000).catch(() => undefined) : undefined
    const waiting = engine.reconcile(ctx, target, { digest, tag, latest: options.latest, head: () => head(), kube, after: known?.sent })
    waiting.catch(() => undefined)
    // a wait that begins while the artifact is still on its way is told after that
    await known?.told
    const result = await step(ctx, `reconciling ${target.name} to ${tag}@${digest.slice(0, 19)} (${from})`, () => waiting)
    const now = await moved
    if (now !== undefined && now !== result.digest)
      throw new KsailError('conflict', `tag ${tag} moved from ${result.digest} to ${now} meanwhile`, {
        hint: 'push again, or pass --latest to follow the newer artifact',
      })
    return result
  } finally {
    if (known?.kube === undefined) await kube.close()
  }
}
