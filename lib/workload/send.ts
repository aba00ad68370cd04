import type { Artifact } from '../artifact/build.ts'
import type { Context } from '../base/context.ts'
import { isKsailError, KsailError } from '../base/errors.ts'
import { within } from '../base/within.ts'
import type { Destination } from '../config/registry.ts'
import * as oras from '../tools/oras.ts'
import type { Ahead } from './ahead.ts'
import { withRemote, type Remote } from './remote.ts'

/** Digest by tag, as far as it could be asked. */
export type Heads = ReadonlyMap<string, string | undefined>

/** What the tags name now. Who may not read, or cannot at this moment, learns nothing here: the push itself will say why. */
export const readHeads = async (
  remote: Remote,
  tags: readonly string[],
  { ahead, onStart }: { readonly ahead?: Ahead | undefined; readonly onStart?: () => void } = {},
): Promise<Heads> => {
  const plain = remote.access.plainHttp === true && remote.access.config === undefined
  const found = await Promise.all(
    tags.map(async (tag) => {
      try {
        if (ahead?.repository !== remote.repository || ahead.tag !== tag || !plain)
          return [[tag, await remote.resolve(tag, { onStart })]] as const
        onStart?.()
        const late = (): KsailError => new KsailError('timeout', `${remote.host} does not answer`)
        const head = await remote
          .ask((timeout) => within(timeout, ahead.head, late))
          // who did not answer is not asked again
          .catch((error: unknown) => (isKsailError(error, 'timeout') ? Promise.reject(error) : remote.resolve(tag)))
        return [[tag, head]] as const
      } catch (error) {
        if (remote.judge(error) === undefined) throw error
        return []
      }
    }),
  )
  return new Map(found.flat())
}

/** The tag that never moves: it names the content. */
export const immutableTag = (digest: string): string => `sha-${digest.slice('sha256:'.length, 'sha256:'.length + 12)}`

const conflict = (remote: Remote, tag: string, holds: string | undefined, digest: string): KsailError =>
  new KsailError('conflict', `tag ${tag} of ${remote.repository} must not move: it holds ${holds ?? 'another artifact'}, not ${digest}`, {
    reason: 'immutable',
    hint: 'push a new tag (immutable tags keep what they hold)',
  })

interface MoveOptions {
  readonly digest: string
  /** Sends what is missing and moves these tags, in this order. */
  readonly copy: (tags: readonly string[], timeout: number) => Promise<unknown>
  /** The tags that move, the first one first. */
  readonly tags: readonly string[]
  /** Refuses to move a tag that holds something else. */
  readonly immutable?: boolean | undefined
  /** What the tags were found to name a moment ago. */
  readonly heads?: Heads | undefined
}

export type SendOptions = Omit<MoveOptions, 'digest' | 'copy'> & { readonly artifact: Pick<Artifact, 'digest' | 'folder'> }

/** Makes the tags name a digest: nothing is written when they do, and a lost answer is looked up. */
export const moveTags = async (
  remote: Remote,
  { digest, copy, tags, immutable = false, heads }: MoveOptions,
): Promise<{ readonly changed: boolean }> => {
  if (heads !== undefined && tags.every((tag) => heads.get(tag) === digest)) return { changed: false }
  let known = heads
  let sent = false

  const attempt = async (timeout: number): Promise<{ changed: boolean }> => {
    const now = known ?? (await readHeads(remote, tags))
    known = undefined
    const moving = tags.filter((tag) => now.get(tag) !== digest)
    if (moving.length === 0) return { changed: sent }
    for (const tag of immutable ? moving : []) {
      // of a tag that could not be asked nobody knows that it is free: what keeps it from being asked is the failure
      const holds = now.has(tag) ? now.get(tag) : await remote.resolve(tag)
      if (holds !== undefined && holds !== digest) throw conflict(remote, tag, holds, digest)
    }
    sent = true
    const all = [immutableTag(digest), ...moving]
    try {
      await remote.ask((most) => copy(all, most), timeout)
    } catch (error) {
      if (remote.judge(error)?.topic !== 'immutable') throw error
      // a registry may refuse to write a tag again although it holds the same digest: what holds it is done
      const after = await readHeads(remote, all)
      const rest = all.filter((tag) => after.get(tag) !== digest)
      if (rest.length === 0) return { changed: true }
      const first = rest.find((tag) => after.get(tag) !== undefined) ?? rest[0] ?? ''
      if (rest.length === all.length) throw conflict(remote, first, after.get(first), digest)
      try {
        await remote.ask((most) => copy(rest, most), timeout)
      } catch (again) {
        if (remote.judge(again)?.topic !== 'immutable') throw again
        throw conflict(remote, first, after.get(first), digest)
      }
    }
    return { changed: true }
  }

  const isThere = async (): Promise<{ changed: boolean } | undefined> => {
    const now = await Promise.all(tags.map((tag) => remote.resolve(tag, { timeout: 10_000 }))).catch(() => undefined)
    return now?.every((head) => head === digest) === true ? { changed: true } : undefined
  }

  return remote.retry(`could not push to ${remote.repository}`, attempt, {
    // an answer that was lost on the way does not say that nothing was written
    done: async (_error, verdict) => (sent && (verdict.class === 'transient' || verdict.kind === 'expiry') ? isThere() : undefined),
  })
}

/** Makes the tags name the artifact: only what is missing is sent. */
export const sendTo = (ctx: Context, remote: Remote, { artifact, ...options }: SendOptions): Promise<{ readonly changed: boolean }> =>
  moveTags(remote, {
    ...options,
    digest: artifact.digest,
    copy: (tags, timeout) => oras.copyLayout(ctx, artifact, remote.repository, tags, { ...remote.access, timeout }),
  })

/**
 * Sends an artifact to a destination and moves the tags.
 *
 * @example
 * const { changed } = await sendArtifact({ artifact, destination, tags: ['dev'] }, ctx)
 */
export const sendArtifact = (
  { destination, ...options }: SendOptions & { readonly destination: Destination },
  ctx: Context,
): Promise<{ readonly changed: boolean }> => withRemote(ctx, destination, (remote) => sendTo(ctx, remote, options))
