import type { Artifact } from '../artifact/build.ts'
import type { Context } from '../base/context.ts'
import { deferred } from '../base/deferred.ts'
import { usageError } from '../base/errors.ts'
import { isTag } from '../base/reference.ts'
import type { Project } from '../config/project.ts'
import type { Destination } from '../config/registry.ts'
import * as oras from '../tools/oras.ts'
import type { Ahead } from './ahead.ts'
import { inventoriesOf } from './applied.ts'
import { ensureControllers, isLate } from './controllers.ts'
import { readLastPush, writeLastPush } from './last-push.ts'
import { rememberObjects } from './objects.ts'
import type { Prepared } from './prepare.ts'
import { guardPrune } from './prune.ts'
import type { Remote } from './remote.ts'
import { readHeads, sendTo, type Heads } from './send.ts'
import { shownCopy } from './shown.ts'
import type { Watched } from './watched.ts'

/** Every tag that moves, the resolved one first. */
export const tagsOf = ({ reference }: Destination, also: readonly string[]): readonly string[] => {
  for (const tag of also)
    if (!isTag(tag)) throw usageError(`"${tag}" of --also-tag is not a tag`, 'use letters, digits, ., _ and -, at most 128')
  return [...new Set([reference.tag, ...also])]
}

/** A package of GHCR is as visible as its repository from its first push on, which surprises people once. */
const isNewPackage = async (ctx: Context, remote: Remote, heads: Heads): Promise<boolean> =>
  remote.host === 'ghcr.io' &&
  [...heads.values()].every((head) => head === undefined) &&
  (await remote
    .ask((timeout) => oras.listTags(ctx, remote.repository, { ...remote.access, timeout }))
    .then(
      (tags) => tags === undefined || tags.length === 0,
      () => false,
    ))

/** The files, and the commands that would send them. */
const describeDryRun = (ctx: Context, artifact: Artifact, remote: Remote, moving: readonly string[]): readonly string[] => {
  for (const { path } of artifact.entries) ctx.report({ kind: 'note', text: path })
  for (const path of artifact.ignored) ctx.report({ kind: 'note', text: `${path} is left out by an ignore rule` })
  const commands = moving.length === 0 ? [] : [shownCopy(artifact, remote, moving)]
  for (const command of commands) ctx.report({ kind: 'note', text: `would run: ${command}` })
  return commands
}

interface Sent {
  readonly artifact: Artifact
  readonly changed: boolean
  /** Only of a dry run. */
  readonly commands?: readonly string[]
}

export interface Job {
  readonly project: Project
  readonly destination: Destination
  readonly immutable: boolean | undefined
  readonly allowPrune: boolean
  /** Says what would be sent, and sends nothing. */
  readonly dryRun: boolean
  /** Packs and checks, once. */
  readonly pack: () => Promise<Prepared>
  readonly ahead: Ahead | undefined
  /** Asks the cluster, once. */
  readonly watch: () => Promise<Watched>
  /** Told when the artifact is on its way. */
  readonly onSend: (digest: string, sent: Promise<unknown>) => void
}

/** From the folder to the tags: packed, checked against what is there, and sent. */
export const packAndSend = async (ctx: Context, job: Job, remote: Remote): Promise<Sent> => {
  const { project, destination, immutable, allowPrune, dryRun, pack, ahead, watch } = job
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
    allowPrune,
  })
  if (dryRun) {
    const moving = tags.filter((tag) => heads.get(tag) !== artifact.digest)
    return { artifact, changed: moving.length > 0, commands: describeDryRun(ctx, artifact, remote, moving) }
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
  const sent = sendTo(ctx, remote, { artifact, tags, immutable, heads })
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
    rememberObjects(artifact, target.path, built),
  ])
  return { artifact, changed }
}
