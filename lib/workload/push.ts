import { relative } from 'node:path'
import type { Artifact } from '../artifact/build.ts'
import { openRoot } from '../artifact/files.ts'
import type { Context } from '../base/context.ts'
import { deferred } from '../base/deferred.ts'
import { KsailError, usageError } from '../base/errors.ts'
import { step } from '../base/events.ts'
import { formatReference, isTag } from '../base/reference.ts'
import { loadProject, sourceFolder, type Project, type ProjectOptions } from '../config/project.ts'
import { describeSource } from '../config/registry-chain.ts'
import { resolveDestination, type Destination } from '../config/registry.ts'
import type { ReconcileResult } from '../engines/engine.ts'
import { sharingKube } from '../tools/kube.ts'
import * as oras from '../tools/oras.ts'
import { askAhead, type Ahead } from './ahead.ts'
import { inventoriesOf } from './applied.ts'
import { ensureControllers, isLate } from './controllers.ts'
import { readLastPush, writeLastPush } from './last-push.ts'
import { mismatchOf, watchCluster, type Watched } from './mismatch.ts'
import { rememberObjects } from './objects.ts'
import { prepare, type Prepared } from './prepare.ts'
import { guardPrune } from './prune.ts'
import { withRemote, type Remote } from './remote.ts'
import { readHeads, sendTo, type Heads } from './send.ts'
import { shownCopy } from './shown.ts'

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
  /** False: the registry held it already, nothing was written. */
  readonly changed: boolean
  readonly registryFrom: string
  readonly tagFrom: string
  readonly ms: number
  /** Only with `reconcile`. */
  readonly reconciled?: ReconcileResult | undefined
}

const tagsOf = ({ reference }: Destination, also: readonly string[]): readonly string[] => {
  for (const tag of also)
    if (!isTag(tag)) throw usageError(`"${tag}" of --also-tag is not a tag`, 'use letters, digits, ., _ and -, at most 128')
  return [...new Set([reference.tag, ...also])]
}

/** A package of GHCR is as visible as its repository from its first push on, which surprises people once. */
const isNewPackage = async (ctx: Context, remote: Remote, heads: Heads): Promise<boolean> =>
  remote.host === 'ghcr.io' &&
  [...heads.values()].every((head) => head === undefined) &&
  (await oras.listTags(ctx, remote.repository, { ...remote.access, timeout: 10_000 }).then(
    (tags) => tags === undefined || tags.length === 0,
    () => false,
  ))

const describeDryRun = (ctx: Context, artifact: Artifact, remote: Remote, tags: readonly string[]): void => {
  for (const { path } of artifact.entries) ctx.report({ kind: 'note', text: path })
  for (const path of artifact.ignored) ctx.report({ kind: 'note', text: `${path} is left out by an ignore rule` })
  ctx.report({ kind: 'note', text: `would run: ${shownCopy(artifact, remote, tags)}` })
}

interface Sent {
  readonly artifact: Artifact
  readonly changed: boolean
}

interface Job {
  readonly project: Project
  readonly destination: Destination
  readonly options: PushOptions
  /** Packs and checks, once. */
  readonly pack: () => Promise<Prepared>
  readonly ahead: Ahead | undefined
  /** Asks the cluster, once. */
  readonly watch: () => Promise<Watched>
  /** Told when the artifact is on its way. */
  readonly onSend: (digest: string, sent: Promise<unknown>) => void
}

const packAndSend = async (ctx: Context, job: Job, remote: Remote): Promise<Sent> => {
  const { project, destination, options, pack, ahead, watch } = job
  const { config, target, directory } = project
  const tags = tagsOf(destination, config.alsoTags)
  const running = deferred<void>()
  const asked = readHeads(remote, tags, { ahead, onStart: running.resolve })
  asked.catch(() => undefined)
  // packing keeps the processor: it begins when the question is on its way
  await Promise.race([running.promise, asked])
  const { artifact, built, tell } = await pack()
  tell()
  const { objects } = built
  const [heads, last] = await Promise.all([asked, readLastPush(directory, remote.repository, destination.reference.tag)])
  const pushed = { ...destination.reference, tags }
  const compared = await guardPrune(ctx, remote, {
    artifact,
    built,
    start: target.path,
    tags,
    heads,
    last,
    inventories: async () => inventoriesOf(ctx, target, pushed, await watch()),
    allowPrune: options.allowPrune === true,
  })
  if (options.dryRun === true) {
    describeDryRun(ctx, artifact, remote, tags)
    return { artifact, changed: tags.some((tag) => heads.get(tag) !== artifact.digest) }
  }
  // what this project pushed to this tag before was compared with the cluster then
  if (last?.digest !== artifact.digest || tags.some((tag) => heads.get(tag) !== artifact.digest)) {
    const watched = watch()
    if (objects.some(isLate)) {
      const { kube } = await watched
      if (kube !== undefined) await ensureControllers(ctx, target, objects, kube)
    }
  }
  const isNew = await isNewPackage(ctx, remote, heads)
  const sent = sendTo(ctx, remote, { artifact, tags, immutable: options.immutable, heads })
  job.onSend(artifact.digest, sent)
  const { changed } = await sent
  if (isNew && changed)
    ctx.report({
      kind: 'note',
      text: `${remote.repository} is a new package: it inherits the visibility of its repository, see its package settings`,
    })
  const at = new Date().toISOString()
  await Promise.all([
    writeLastPush(
      ctx,
      directory,
      tags.map((tag) => ({ repository: remote.repository, tag, digest: artifact.digest, at, ...(compared ? { compared } : {}) })),
    ),
    rememberObjects(artifact, target.path, objects),
  ])
  return { artifact, changed }
}

/**
 * Packs the manifests into an OCI artifact and makes the tag name it. The same tree is the same digest, and an unchanged one writes nothing.
 * Throws `refused` before anything is sent for secrets, kustomizations that do not build, and a push that would remove too much.
 *
 * @example
 * const { reference, changed } = await push({ path: 'k8s' }, createContext())
 */
export const push = (options: PushOptions, ctx: Context): Promise<PushResult> => sharingKube(ctx, () => pushNow(options, ctx))

/** Work that is begun when it is first asked for; what was begun is kept in a list. */
const once = <T>(all: Promise<unknown>[], work: () => Promise<T>): (() => Promise<T>) => {
  let begun: Promise<T> | undefined
  return () => {
    if (begun === undefined) {
      begun = work()
      all.push(begun)
      // whoever needs it awaits it
      begun.catch(() => undefined)
    }
    return begun
  }
}

const pushNow = async (options: PushOptions, ctx: Context): Promise<PushResult> => {
  const start = ctx.now()
  const project = await loadProject(options, ctx)
  const { directory, config, target } = project
  const dryRun = options.dryRun === true
  if (dryRun && options.reconcile === true)
    throw new KsailError('usage', '--dry-run writes nothing, so there is nothing to reconcile', { hint: 'leave one of them away' })
  const from = sourceFolder(options.path, project, ctx)
  // what is not there is told before a tool is fetched or a registry asked
  openRoot(from)
  const begun: Promise<unknown>[] = []
  let watching: Promise<Watched> | undefined
  const watch = once(begun, () => (watching = watchCluster(ctx, target)))
  const pack = once(begun, () => prepare(ctx, project, { source: from, validate: options.validate }))
  const find = once(begun, () => resolveDestination({ ref: options.ref, project, options }, ctx))
  let ahead: Ahead | undefined
  let reconciling: Promise<ReconcileResult> | undefined
  const told = deferred<void>()
  try {
    void find()
    if (options.reconcile === true) void watch()
    // a registry that no setting names is asked of the cluster: meanwhile everything else is done that does not need the answer
    if (options.ref === undefined && config.registry === undefined && config.localRegistry === undefined) {
      ahead = await askAhead(ctx, directory)
      void pack()
    }
    const destination = await find()
    for (const text of destination.warnings) ctx.report({ kind: 'warn', text })
    const { reference } = destination
    const folder = relative(ctx.cwd, from) || '.'
    const text = `pushing ${folder} to ${formatReference(reference)} (registry from ${describeSource(destination.registryFrom, project)})`
    const limit = project.origin.timeout === 'default' ? undefined : target.timeout
    // what the wait has to read it reads while the artifact travels
    const onSend: Job['onSend'] = (digest, sent) => {
      if (options.reconcile !== true) return
      reconciling = (async () => {
        const [{ reconcile }, { kube, source }] = await Promise.all([import('./reconcile.ts'), watch()])
        return reconcile({ ...options, digest }, ctx, { project, destination, kube, source, sent, told: told.promise })
      })()
      reconciling.catch(() => undefined)
    }
    const { artifact, changed } = await step(ctx, text, () =>
      withRemote(
        ctx,
        destination,
        (remote) => packAndSend(ctx, { project, destination, options, pack, ahead, watch, onSend }, remote),
        limit,
      ),
    )
    if (!changed)
      ctx.report({ kind: 'note', text: `unchanged: ${formatReference(reference)} holds ${artifact.digest.slice(0, 19)} already` })
    const { source } = (await watching) ?? { source: undefined }
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
    return { ...result, ms: ctx.now() - start, ...(reconciled === undefined ? {} : { reconciled }) }
  } catch (error) {
    told.reject(error)
    throw error
  } finally {
    ahead?.end()
    await Promise.allSettled(begun)
    await watching?.then(
      ({ kube }) => kube?.close(),
      () => undefined,
    )
  }
}
