import type { Artifact } from '../artifact/build.ts'
import { readFacts } from '../artifact/facts.ts'
import { buildTree, type Built } from '../artifact/validate.ts'
import type { Context } from '../base/context.ts'
import { isKsailError, KsailError, messageOf } from '../base/errors.ts'
import { judgeApplied, keptOf, type Inventories } from './applied.ts'
import type { LastPush } from './last-push.ts'
import { identities, objectsOf, rememberedObjects } from './objects.ts'
import { idOf, judgeGone, judgePrune, type Pruned } from './prune-judge.ts'
import type { Remote } from './remote.ts'
import type { Heads } from './send.ts'

export interface PruneOptions {
  readonly artifact: Pick<Artifact, 'artifacts' | 'memory' | 'digest' | 'entries'>
  readonly built: Built
  readonly start: string
  /** Those that would move. */
  readonly tags: readonly string[]
  readonly heads: Heads
  /** What this project pushed there before. */
  readonly last: LastPush | undefined
  /** What the cluster has applied of it. */
  readonly inventories: () => Promise<Inventories | undefined>
  readonly allowPrune: boolean
}

const SHOWN = 10

const refuse = (ctx: Context, { gone, why }: Pruned, from: string, allowPrune: boolean): void => {
  if (why === undefined) return
  const text = `${why}, compared with ${from}`
  if (allowPrune) return ctx.report({ kind: 'warn', text: `${text} (allowed by --allow-prune)` })
  throw new KsailError('refused', `refused to push: ${text}`, {
    reason: 'prune',
    details: [...gone.slice(0, SHOWN).map(idOf), ...(gone.length > SHOWN ? [`and ${gone.length - SHOWN} more`] : [])],
    hint: 'look at what is missing, or pass --allow-prune',
  })
}

/** Tags whose engine was asked what it has applied; none when it could not be. */
const guardApplied = async (ctx: Context, { artifact, built, inventories, allowPrune }: PruneOptions): Promise<ReadonlySet<string>> => {
  const found = built.whole ? await inventories() : undefined
  if (found === undefined) return new Set()
  const { applied, kube } = found
  const facts = await readFacts(artifact.entries, artifact.memory)
  const judged = await judgeApplied(applied, built, (start) =>
    buildTree({ entries: artifact.entries, facts, start, remember: artifact.memory }, ctx),
  )
  if (judged === undefined) return new Set()
  if (judged.why !== undefined) {
    const kept = await keptOf(kube, judged.gone)
    const gone = judged.gone.filter((it) => !kept.has(it))
    refuse(ctx, judgeGone(gone, judged.total - kept.size), `what ${judged.by.join(', ')} has applied`, allowPrune)
  }
  return new Set(applied.flatMap(({ tag }) => tag ?? []))
}

const guardHeads = async (
  ctx: Context,
  remote: Remote,
  { artifact, built, start, tags, heads, allowPrune }: PruneOptions,
  done: ReadonlySet<string>,
): Promise<void> => {
  const after = identities(built.objects)
  const seen = new Set([artifact.digest])
  for (const tag of tags) {
    const digest = heads.get(tag)
    if (!heads.has(tag) && !done.has(tag))
      ctx.report({ kind: 'note', text: `what the push would remove was not compared with ${tag}, which could not be read` })
    if (digest === undefined || seen.has(digest) || done.has(tag)) continue
    seen.add(digest)
    let before: Awaited<ReturnType<typeof objectsOf>>
    try {
      before = await objectsOf(ctx, remote, artifact, digest, start)
    } catch (error) {
      if (isKsailError(error, 'interrupted', 'terminated')) throw error
      ctx.report({ kind: 'warn', text: `what the push would remove was not compared with ${digest.slice(0, 19)}: ${messageOf(error)}` })
    }
    if (before !== undefined) refuse(ctx, judgePrune(before, after), `${tag}@${digest.slice(0, 19)}`, allowPrune)
  }
}

/**
 * A push that takes nothing from the one before it, which was compared with the cluster, can remove nothing that the one before did not. What
 * files mean that nothing here reads only the cluster knows, whose Kustomizations may start anywhere: they have to be the same.
 */
const addsOnly = async ({ artifact, built, start, tags, heads, last }: PruneOptions): Promise<boolean> => {
  if (last?.compared !== true || tags.some((tag) => heads.get(tag) !== last.digest)) return false
  const before = await rememberedObjects(artifact.memory, last.digest, start)
  return before !== undefined && before.rest === built.rest && judgePrune(before.objects, identities(built.objects)).gone.length === 0
}

/**
 * Refuses an artifact that would make the engine remove more than an edit usually means: compared with what the cluster has applied, else with
 * what the moving tags hold now. True when the cluster was compared.
 */
export const guardPrune = async (ctx: Context, remote: Remote, options: PruneOptions): Promise<boolean> => {
  const { tags, heads, artifact } = options
  // nothing moves, so nothing can go
  if (tags.every((tag) => heads.get(tag) === artifact.digest)) return options.last?.compared === true
  if (await addsOnly(options)) return true
  const done = await guardApplied(ctx, options)
  await guardHeads(ctx, remote, options, done)
  return done.size > 0
}
