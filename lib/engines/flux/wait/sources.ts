import { conditionOf, idOf } from '../../../base/object.ts'
import { KsailError } from '../../../base/errors.ts'
import type { Source } from './objects.ts'
import type { Session } from './session.ts'
import { digestOf, sourceState } from './source-state.ts'
import type { Store } from './store.ts'

export const SOURCE_KIND = { apiVersion: 'source.toolkit.fluxcd.io/v1', kind: 'OCIRepository' } as const

const ATTEMPTS = 3
const PAUSE = 300
/** A registry that does not answer at all may be starting. */
export const NO_ANSWER = /connection refused|no such host|i\/o timeout|dial tcp|server misbehaving|connection reset|EOF/

interface Tracked {
  /** undefined until asked: the failures of a source that nobody asked yet are those of its own first look. */
  token: string | undefined
  attempts: number
  retryAt: number | undefined
  firstRevision: string | undefined
  headFor: string | undefined
}

export interface SourcesVerdict {
  readonly fetched: boolean
  /** The source that the start Kustomization follows, once it is there. */
  readonly main: Source | undefined
  readonly all: readonly Source[]
  readonly revision: string
  readonly failure: { readonly source: Source; readonly reason: string; readonly message: string } | undefined
  readonly waiting: readonly string[]
}

/** What a source must hold to be at a digest, by what it is told to follow. */
const revisionFor = (source: Source | undefined, tag: string, digest: string): string => {
  const { ref } = source?.spec ?? {}
  if (ref?.digest !== undefined) return digest
  const held = source?.status?.artifact?.revision
  if (ref?.semver !== undefined) return held !== undefined && digestOf(held) === digest ? held : `${ref.semver}@${digest}`
  return `${ref?.tag ?? tag}@${digest}`
}

/** The sources that read what was pushed: the one that ksail configures, and those with the same url and reference. */
const sharing = (all: readonly Source[], main: Source): readonly Source[] => {
  const key = ({ spec }: Source): string => JSON.stringify([spec?.url, spec?.ref?.tag, spec?.ref?.digest, spec?.ref?.semver])
  return all.filter((source) => source.spec?.suspend !== true && (source === main || key(source) === key(main)))
}

/** Brings the sources to a digest: asks once when it is not there yet, again when the registry did not answer, and follows or refuses a tag that moves. */
export const createSources = (session: Session, store: Store<Source>) => {
  const { options, now, alarm, ctx } = session
  const tracked = new Map<string, Tracked>()
  let digest = options.digest
  let head: string | undefined
  let moved = false
  let fetchedOnce = false

  const track = (source: Source): Tracked => {
    const id = idOf(source)
    const known = tracked.get(id)
    if (known !== undefined) return known
    const fresh: Tracked = {
      token: undefined,
      attempts: 0,
      retryAt: undefined,
      firstRevision: source.status?.artifact?.revision,
      headFor: undefined,
    }
    tracked.set(id, fresh)
    return fresh
  }
  const ask = (source: Source, it: Tracked): void => void (it.token = session.nudge(source, SOURCE_KIND))

  /** Asks the registry once per revision that the source shows: only the registry knows whether that one is newer. */
  const askHead = (it: Tracked, shown: string): void => {
    if (it.headFor === shown || options.head === undefined) return
    it.headFor = shown
    session.aside(async () => void (head = await options.head?.()))
  }

  const supersede = (source: Source, by: string): void => {
    if (options.latest !== true)
      throw new KsailError('conflict', `tag ${source.spec?.ref?.tag ?? options.tag} moved from ${digest} to ${by} meanwhile`, {
        hint: 'push again, or pass --latest to follow the newer artifact',
      })
    ctx.report({ kind: 'note', text: `the tag moved on: following ${by}` })
    digest = by
    moved = true
    fetchedOnce = false
    tracked.clear()
    alarm.ring()
  }

  const judge = (source: Source, revision: string): { state: 'fetched' | 'waiting' | 'failed'; reason: string; message: string } => {
    const it = track(source)
    const { artifact, lastHandledReconcileAt, conditions = [] } = source.status ?? {}
    const held = artifact?.revision
    const state = sourceState({
      revision,
      token: it.token ?? lastHandledReconcileAt ?? '',
      registryHead: head,
      artifactRevision: held,
      lastHandledReconcileAt,
      conditions,
    })
    const ready = conditionOf(conditions, 'Ready')
    const said = { reason: ready?.reason ?? 'NotReady', message: ready?.message ?? 'the source was not looked at yet' }
    if (state === 'fetched') return { state, ...said }
    if (state === 'superseded' || (fetchedOnce && head !== undefined && head !== digest && it.headFor === held)) {
      supersede(source, head ?? digestOf(held ?? ''))
      return { state: 'waiting', ...said }
    }
    if (it.token === undefined) {
      // a source that was never looked at is about to be: asking would only make it look twice
      if (conditions.length > 0 || held !== undefined) ask(source, it)
      else if (state === 'failed') return { state, ...said }
      return { state: 'waiting', ...said }
    }
    if (held !== undefined && digestOf(held) !== digest && (fetchedOnce || held !== it.firstRevision || state === 'stale'))
      askHead(it, held)
    if (state === 'failed') return { state, ...said }
    if (state === 'retry' || state === 'stale') {
      if (state === 'stale' && head !== undefined && head !== digest && options.head !== undefined && it.headFor === held) {
        supersede(source, head)
        return { state: 'waiting', ...said }
      }
      const patient = now() < (options.patience ?? 0) || (state === 'retry' && NO_ANSWER.test(said.message) && now() < 5000)
      if (!patient && it.attempts >= ATTEMPTS)
        return state === 'stale'
          ? { state: 'failed', reason: 'Stale', message: `the registry still gives ${held ?? 'another digest'} for this tag` }
          : { state: 'failed', ...said }
      it.retryAt ??= now() + PAUSE
      if (now() >= it.retryAt) {
        it.retryAt = undefined
        it.attempts++
        ask(source, it)
      } else alarm.at(it.retryAt)
    }
    return { state: 'waiting', ...said }
  }

  return {
    digest: () => digest,
    /** Whether the tag was followed to another digest. */
    moved: () => moved,
    look: (): SourcesVerdict => {
      const all = store.items()
      const main = all.find(({ metadata }) => metadata.name === 'flux-system' && metadata.namespace === 'flux-system')
      const none = { main: undefined, all: [], failure: undefined }
      if (main === undefined)
        return {
          ...none,
          fetched: false,
          revision: revisionFor(undefined, options.tag, digest),
          waiting: ['OCIRepository flux-system/flux-system does not exist yet'],
        }
      if (main.spec?.ref?.digest !== undefined && main.spec.ref.digest !== digest)
        throw new KsailError('conflict', `OCIRepository flux-system/flux-system is pinned to ${main.spec.ref.digest}, not ${digest}`, {
          hint: 'remove spec.ref.digest, so that it follows its tag again',
        })
      if (main.spec?.suspend === true)
        throw new KsailError('notReady', 'OCIRepository flux-system/flux-system is suspended', {
          hint: 'run flux resume source oci flux-system',
        })
      const sources = sharing(all, main)
      const verdicts = sources.map((source) => ({ source, ...judge(source, revisionFor(source, options.tag, digest)) }))
      const failure = verdicts.find(({ state }) => state === 'failed')
      const open = verdicts.filter(({ state }) => state === 'waiting')
      const fetched = open.length === 0 && failure === undefined
      fetchedOnce ||= fetched
      return {
        fetched,
        main,
        all: sources,
        failure,
        revision: revisionFor(main, options.tag, digest),
        waiting: open.map(({ source, reason, message }) => `OCIRepository ${idOf(source)} to fetch the digest (${reason}: ${message})`),
      }
    },
  }
}
