import type { Context } from '../base/context.ts'
import { ExecError, KsailError, usageError } from '../base/errors.ts'
import { step } from '../base/events.ts'
import { formatReference, hostPort, isLoopback, isTag, parseReference, usesPlainHttp, type Reference } from '../base/reference.ts'
import { explain } from '../base/retry.ts'
import * as oras from '../tools/oras.ts'
import { withRemote, type Remote } from './remote.ts'
import { moveTags, readHeads } from './send.ts'

export interface PromoteOptions {
  /** What to copy, as `oci://host/repository[:tag][@digest]`. */
  readonly from?: string | undefined
  /** Where to, as `oci://host/repository[:tag]`; without a tag that of `from`. */
  readonly to?: string | undefined
  readonly alsoTags?: readonly string[] | undefined
  /** The tag must not move: another digest there is a conflict. */
  readonly immutable?: boolean | undefined
  readonly fromPlainHttp?: boolean | undefined
  readonly toPlainHttp?: boolean | undefined
}

export interface PromoteResult {
  /** `oci://host/repository:tag@sha256:…` of the copy. */
  readonly reference: string
  /** The same of what was copied. */
  readonly from: string
  readonly tag: string
  readonly digest: string
  /** False: it was there already, nothing was written. */
  readonly changed: boolean
  readonly ms: number
}

/** A reference that people typed carries no login: that of its host is found where `docker login` left it. */
const placeOf = (reference: Reference, plainHttp: boolean | undefined) => ({
  reference: { ...reference, tag: reference.tag ?? '' },
  username: '',
  password: '',
  external: !isLoopback(reference.host),
  plainHttp: usesPlainHttp(reference.host, plainHttp === true),
})

const read = (text: string | undefined, use: 'read' | 'push', what: string): Reference => {
  const reference = parseReference(text ?? '', use)
  if (reference === undefined) throw usageError(`promote lacks ${what}`, 'write ksail workload promote oci://… oci://…')
  return reference
}

const isOfSource = (error: unknown): boolean => error instanceof ExecError && /Error from source registry/i.test(error.result.stderr)

const absent = (reference: Reference): KsailError =>
  new KsailError('unresolved', `there is no artifact ${formatReference(reference)}`, { hint: 'push it first' })

const digestOf = async (remote: Remote, { tag, digest, ...where }: Reference): Promise<string> => {
  if (digest !== undefined) return digest
  if (tag === undefined) throw usageError('what is promoted has neither tag nor digest', 'write it as oci://host/repository:tag')
  const found = await remote.retry(`could not read ${remote.repository}`, (timeout) => remote.resolve(tag, { timeout }))
  if (found === undefined) throw absent({ ...where, tag, digest })
  return found
}

/**
 * Copies an artifact byte for byte to another repository or tag, and checks that the digest there is the same. Tags move after the content;
 * what is there already is not written again.
 *
 * @example
 * const { digest, changed } = await promote({ from: 'oci://localhost:5050/app:dev', to: 'oci://ghcr.io/owner/app:v1' }, createContext())
 */
export const promote = async (options: PromoteOptions, ctx: Context): Promise<PromoteResult> => {
  const start = ctx.now()
  const source = read(options.from, 'read', 'what to copy')
  const target = read(options.to, 'push', 'where to copy it')
  const tag = target.tag ?? source.tag
  if (tag === undefined) throw usageError(`${formatReference(target)} has no tag`, 'name one, as oci://host/repository:tag')
  const tags = [...new Set([tag, ...(options.alsoTags ?? [])])]
  for (const name of tags)
    if (!isTag(name)) throw usageError(`"${name}" of --also-tag is not a tag`, 'use letters, digits, ., _ and -, at most 128')
  const text = `promoting ${formatReference(source)} to ${formatReference({ ...target, tag })}`

  const copyBetween = async (from: Remote, to: Remote): Promise<{ readonly digest: string; readonly changed: boolean }> => {
    const digest = await digestOf(from, source)
    const copy = async (names: readonly string[], timeout: number): Promise<void> => {
      try {
        const sides = { from: from.access, to: { ...to.access, timeout } }
        await oras.copyAcross(ctx, `${from.repository}@${digest}`, `${to.repository}:${names.join(',')}`, sides)
      } catch (error) {
        if (isOfSource(error) && /: not found\s*$/.test((error as ExecError).result.stderr)) throw absent({ ...source, digest })
        // a refusal of the source is not for the target's login to mend
        const verdict = isOfSource(error) ? from.judge(error) : undefined
        throw verdict === undefined || verdict.retry ? error : explain(error, verdict, `could not read ${from.repository}`)
      }
    }
    const { changed } = await moveTags(to, { digest, copy, tags, immutable: options.immutable, heads: await readHeads(to, tags) })
    const there = changed ? await to.resolve(tag) : digest
    if (there !== digest)
      throw new KsailError(
        'failed',
        `${hostPort(target)}/${target.repository}:${tag} is ${there ?? 'nothing'} after the copy, not ${digest}`,
        {
          hint: 'somebody else may have moved the tag at the same moment: run it again',
        },
      )
    return { digest, changed }
  }

  const { digest, changed } = await step(ctx, text, () =>
    withRemote(ctx, placeOf(source, options.fromPlainHttp), (from) =>
      withRemote(ctx, placeOf(target, options.toPlainHttp), (to) => copyBetween(from, to)),
    ),
  )
  return {
    reference: formatReference({ ...target, tag, digest }),
    from: formatReference({ ...source, digest }),
    tag,
    digest,
    changed,
    ms: ctx.now() - start,
  }
}
