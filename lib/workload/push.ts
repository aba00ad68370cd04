import { relative } from 'node:path'
import { openRoot } from '../artifact/files.ts'
import type { Context } from '../base/context.ts'
import { deferred } from '../base/deferred.ts'
import { KsailError } from '../base/errors.ts'
import { step } from '../base/events.ts'
import { once } from '../base/once.ts'
import { formatReference } from '../base/reference.ts'
import { loadProject, sourceFolder, type ProjectOptions } from '../config/project.ts'
import { describeSource, isNamed } from '../config/registry-chain.ts'
import { resolveDestination } from '../config/registry.ts'
import type { ClusterSource, ReconcileResult } from '../engines/engine.ts'
import { sharingKube } from '../tools/kube.ts'
import { askAhead, type Ahead } from './ahead.ts'
import { mismatchOf } from './mismatch.ts'
import { packAndSend, tagsOf, type Job } from './pack-and-send.ts'
import { prepare } from './prepare.ts'
import { withRemote } from './remote.ts'
import { watchCluster } from './watched.ts'

export interface PushOptions extends ProjectOptions {
  /** Where to, as `oci://host/repository[:tag]`. */
  readonly ref?: string | undefined
  /** Folder of the manifests; counts from the working directory. */
  readonly path?: string | undefined
  /** Goes on until the cluster runs it. */
  readonly reconcile?: boolean | undefined
  /** The tag must not move: another digest there is a conflict. */
  readonly immutable?: boolean | undefined
  readonly plainHttp?: boolean | undefined
  readonly allowPrune?: boolean | undefined
  /** False: kustomizations that do not build are pushed as they are. */
  readonly validate?: boolean | undefined
  /** Says what would be pushed, and where; writes nothing. */
  readonly dryRun?: boolean | undefined
}

export interface PushResult {
  /** `oci://host/repository:tag@sha256:…` */
  readonly reference: string
  /** `host[:port]/repository` */
  readonly repository: string
  readonly tag: string
  readonly digest: string
  /** Bytes of the packed layer. */
  readonly size: number
  readonly files: number
  /** False: nothing was written, as the registry held it already or the run was dry. */
  readonly changed: boolean
  readonly registryFrom: string
  readonly tagFrom: string
  readonly ms: number
  /** Only with `reconcile`. */
  readonly reconciled?: ReconcileResult | undefined
  /** Only with `dryRun`: what would run. */
  readonly commands?: readonly string[] | undefined
}

/**
 * Packs the manifests into an OCI artifact and makes the tag name it. The same tree is the same digest, and an unchanged one writes nothing.
 * Throws `refused` before anything is sent for secrets, kustomizations that do not build, and a push that would remove too much.
 *
 * @example
 * const { reference, changed } = await push({ path: 'k8s' }, createContext())
 */
export const push = (options: PushOptions, ctx: Context): Promise<PushResult> => sharingKube(ctx, () => pushNow(options, ctx))

const pushNow = async (options: PushOptions, ctx: Context): Promise<PushResult> => {
  const start = ctx.now()
  const project = await loadProject(options, ctx)
  const { directory, target } = project
  const { immutable } = options
  const [dryRun, allowPrune] = [options.dryRun === true, options.allowPrune === true]
  if (dryRun && options.reconcile === true)
    throw new KsailError('usage', '--dry-run writes nothing, so there is nothing to reconcile', { hint: 'leave one of them away' })
  const from = sourceFolder(options.path, project, ctx)
  // what is not there is told before a tool is fetched or a registry asked
  openRoot(from)
  const begun: Promise<unknown>[] = []
  const named = isNamed({ ref: options.ref, project }, ctx)
  const writes = options.reconcile === true
  const watch = once(begun, () => watchCluster(ctx, project, { secret: !named, writes }))
  const pack = once(begun, async () => {
    const packing = prepare(ctx, project, { source: from, validate: options.validate })
    // nothing is sent for a cluster that is another project's
    const [prepared] = await Promise.all([packing, writes ? watch() : undefined])
    return prepared
  })
  const cluster = async (): Promise<ClusterSource | undefined> => {
    const { source, failure } = await watch()
    if (failure !== undefined) throw failure
    return source
  }
  const find = once(begun, () => resolveDestination({ ref: options.ref, project, options, cluster }, ctx))
  let ahead: Ahead | undefined
  let reconciling: Promise<ReconcileResult> | undefined
  const told = deferred<void>()
  try {
    void watch()
    void find()
    // a registry that no setting names is asked of the cluster: meanwhile everything else is done that does not need the answer
    if (!named) {
      ahead = await askAhead(ctx, directory)
      void pack()
    }
    const destination = await find()
    for (const text of destination.warnings) ctx.report({ kind: 'warn', text })
    const { reference } = destination
    const folder = relative(ctx.cwd, from) || '.'
    const text = `${dryRun ? 'comparing' : 'pushing'} ${folder} ${dryRun ? 'with' : 'to'} ${formatReference(reference)} (registry from ${describeSource(destination.registryFrom, project)})`
    const limit = project.origin.timeout === 'default' ? undefined : target.timeout
    // what the wait has to read it reads while the artifact travels
    const onSend: Job['onSend'] = (digest, sent) => {
      if (!writes) return
      reconciling = (async () => {
        const [{ reconcile }, { kube, source }] = await Promise.all([import('./reconcile.ts'), watch()])
        return reconcile({ ...options, digest }, ctx, { project, destination, kube, source, sent, told: told.promise })
      })()
      reconciling.catch(() => undefined)
    }
    const { artifact, changed, commands } = await step(ctx, text, () =>
      withRemote(
        ctx,
        destination,
        (remote) => packAndSend(ctx, { project, destination, immutable, allowPrune, dryRun, pack, ahead, watch, onSend }, remote),
        limit,
      ),
    )
    if (!changed)
      ctx.report({ kind: 'note', text: `unchanged: ${formatReference(reference)} holds ${artifact.digest.slice(0, 19)} already` })
    const { source } = await watch()
    const mismatch =
      source === undefined
        ? undefined
        : mismatchOf(target.name, { ...reference, tags: tagsOf(destination, project.config.alsoTags) }, source)
    if (mismatch !== undefined) ctx.report({ kind: 'warn', text: mismatch })
    const result = {
      reference: formatReference({ ...reference, digest: artifact.digest }),
      repository: formatReference({ ...reference, tag: undefined }).slice('oci://'.length),
      tag: reference.tag,
      digest: artifact.digest,
      size: artifact.size,
      files: artifact.files,
      changed: changed && !dryRun,
      registryFrom: destination.registryFrom,
      tagFrom: destination.tagFrom,
    }
    told.resolve()
    const reconciled = await reconciling
    return {
      ...result,
      ms: ctx.now() - start,
      ...(reconciled === undefined ? {} : { reconciled }),
      ...(commands === undefined ? {} : { commands }),
    }
  } catch (error) {
    told.reject(error)
    throw error
  } finally {
    ahead?.end()
    await Promise.allSettled(begun)
  }
}
