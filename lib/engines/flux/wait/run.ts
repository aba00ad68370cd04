import { formatDuration } from '../../../base/duration.ts'
import { KsailError } from '../../../base/errors.ts'
import { SIMULATED } from '../../../base/names.ts'
import { within } from '../../../base/within.ts'
import type { Context } from '../../../base/context.ts'
import type { Target } from '../../../base/target.ts'
import type { KubeObject } from '../../../base/object.ts'
import type { Kube } from '../../../tools/kube.ts'
import { collection } from '../../../tools/kube-paths.ts'
import type { ReconcileResult, WaitOptions } from '../../engine.ts'
import { createKustomizations, failingOthers, type Standing } from './kustomizations.ts'
import { EXCLUDE } from './kustomization-state.ts'
import type { Kustomization, Source } from './objects.ts'
import { GRACE } from './pod-judge.ts'
import { blockersOf, failureReport, timeoutReport, type Picture } from './report.ts'
import { inventoryOf, membersOf } from './scope.ts'
import { createSession, type Session } from './session.ts'
import { createSources } from './sources.ts'
import { versionOf } from './store.ts'
import { createTalk } from './talk.ts'
import { createWorkloads, workloadsIn, type Judged } from './workloads.ts'

/** After the first failure others may still come in, so that one run reports them all. */
const COLLECT = 500
/** How long a source may be there without anything that follows it. */
const NOBODY_AFTER = 5000

/** Whether pods can run at all: a cluster without nodes has its objects applied, and that is all there is to wait for. */
const placeOf = async ({ kube }: Session): Promise<'nowhere' | 'simulated' | 'nodes'> => {
  // who may not list nodes still has some
  const nodes = await kube.list(`${collection('v1', 'nodes')}?limit=1`).catch(() => undefined)
  const [node] = nodes?.items ?? []
  if (nodes !== undefined && node === undefined) return 'nowhere'
  return node?.metadata.labels?.[SIMULATED] === 'true' ? 'simulated' : 'nodes'
}

const SAID = 'the pods of this cluster are simulated: nothing runs in them'

/** What failed on simulated nodes must not be read as if it had run. */
const saying = (error: unknown): unknown =>
  error instanceof KsailError
    ? new KsailError(error.code, error.message, { details: [...error.details, SAID], hint: error.hint, cause: error, reason: error.reason })
    : error

const isSettled = ({ state }: Standing): boolean => state === 'done' || state === 'excluded'

/**
 * Makes Flux take a digest and waits until it is live: fetched by the sources that follow the tag, applied by every Kustomization that
 * follows them and those that these bring, and rolled out. Nothing is asked for twice; a failure ends it at once.
 *
 * @example
 * const { phases } = await waitForDigest(ctx, target, kube, { digest: 'sha256:…', tag: 'dev' })
 */
export const waitForDigest = async (ctx: Context, target: Target, kube: Kube, options: WaitOptions): Promise<ReconcileResult> => {
  const session = createSession(ctx, target, kube, options)
  let simulated = false
  try {
    return await run(session, () => (simulated = true))
  } catch (error) {
    throw simulated ? saying(error) : error
  } finally {
    session.end()
  }
}

const run = async (session: Session, onSimulated: () => void): Promise<ReconcileResult> => {
  const { ctx, now, alarm, options, target } = session
  const timeout = options.timeout ?? target.timeout
  // both lists come before anything is asked for, so that no event is missed
  const lists = Promise.all([
    session.follow<Source>(collection('source.toolkit.fluxcd.io/v1', 'ocirepositories')),
    session.follow<Kustomization>(collection('kustomize.toolkit.fluxcd.io/v1', 'kustomizations')),
    placeOf(session),
  ])
  const [sourceStore, store, place] = await within(
    timeout,
    lists,
    () =>
      new KsailError('timeout', `the cluster does not serve the kinds of Flux after ${formatDuration(timeout)}`, {
        hint: 'run ksail cluster info to see what is down',
      }),
  )
  if (options.after !== undefined) {
    await options.after
    session.begin()
  }
  const nodes = place !== 'nowhere'
  if (place === 'simulated') onSimulated()
  const before = sourceStore.startedAt() > store.startedAt() ? sourceStore.startedAt() : store.startedAt()
  const sources = createSources(session, sourceStore)
  const kustomizations = createKustomizations(session)
  let fetched: { readonly at: number; readonly version: bigint; readonly revision: string } | undefined
  let mending = true
  const workloads = createWorkloads(session, () => ({ version: before, until: mending ? GRACE : 0 }))
  const talk = createTalk(session)
  const refresh = (): Promise<unknown> => Promise.all([sourceStore.refresh(), store.refresh(), workloads.refresh()])
  let confirmed = false
  let checked = false
  let failedAt: number | undefined
  let appliedAt: number | undefined
  let warned = false

  const judge = (object: KubeObject<unknown, unknown>): readonly Judged[] =>
    workloadsIn(inventoryOf(object as Kustomization))
      .filter(({ kind }) => nodes || kind === 'HelmRelease')
      .map(workloads.judge)

  for (let looks = 0; ; looks++) {
    session.check()
    const verdict = sources.look()
    if (verdict.fetched && fetched?.revision !== verdict.revision) {
      if (looks === 0) mending = false
      fetched = { at: now(), version: verdict.all.map(versionOf).reduce((a, b) => (a > b ? a : b), 0n), revision: verdict.revision }
      kustomizationsChanged()
    } else if (!verdict.fetched && fetched !== undefined && sources.moved()) fetched = undefined
    const all = store.items()
    const members = membersOf(all, verdict.all)
    const standings = kustomizations.look({
      members,
      all,
      revision: verdict.revision,
      fetchedAt: fetched?.at,
      fetchedVersion: fetched?.version ?? 0n,
      healthy: (entries) => workloadsIn(entries).every((entry) => !nodes || workloads.judge(entry).state === 'done'),
    })
    const parentsDone = standings.every((it) => !it.direct || isSettled(it))
    const rolling =
      fetched === undefined
        ? []
        : standings.filter(({ state, direct }) => (direct || parentsDone) && (state === 'done' || state === 'health'))
    const judged = rolling.map((standing) => ({ standing, judged: judge(standing.object) }))
    const picture: Picture = { sources: verdict, standings, workloads: judged.flatMap((it) => it.judged) }
    talk.about(() => blockersOf(picture))

    if (verdict.failure !== undefined) throw await failureReport(session, picture)
    const failed = standings.some(({ state }) => state === 'failed') || picture.workloads.some(({ state }) => state === 'failed')
    const applied = fetched !== undefined && members.some(({ direct }) => direct) && standings.every(isSettled)
    if (failed) {
      failedAt ??= now()
      const moving = standings.some(({ state }) => ['pending', 'building', 'retrying'].includes(state))
      if (!checked) {
        // a pod that failed may belong to what was replaced a moment ago
        await refresh()
        checked = true
        continue
      }
      if (now() >= failedAt + COLLECT || !moving) throw await failureReport(session, picture)
      alarm.at(failedAt + COLLECT)
    } else {
      failedAt = undefined
      checked = false
    }
    if (now() >= timeout) throw await timeoutReport(session, picture, timeout)
    alarm.at(timeout)

    if (fetched !== undefined && members.length === 0) {
      const due = fetched.at + Math.max(NOBODY_AFTER, options.patience ?? 0)
      if (now() >= due)
        throw new KsailError('notReady', 'no Kustomization follows OCIRepository flux-system/flux-system', {
          hint: 'run ksail cluster create, which configures one',
        })
      alarm.at(due)
    }
    if (applied) {
      // nothing of the artifact is applied when everybody who follows the source is told to leave it alone
      const first = standings.find(({ direct }) => direct)
      if (first !== undefined && standings.every(({ direct, state }) => !direct || state === 'excluded'))
        throw new KsailError(
          'notReady',
          `Kustomization ${first.id} is ${first.object.spec?.suspend === true ? 'suspended' : `opted out by ${EXCLUDE}`}`,
          {
            hint:
              first.object.spec?.suspend === true
                ? `run flux resume kustomization ${first.object.metadata.name} -n ${first.object.metadata.namespace ?? ''}`
                : 'take that annotation away',
          },
        )
      appliedAt ??= now()
      if (!warned) {
        warned = true
        announce(
          session,
          standings,
          failingOthers(all, members),
          standings.every(({ object }) => workloadsIn(inventoryOf(object)).length === 0) ? 'nodes' : place,
        )
      }
      if (!confirmed) {
        // what is true now must not be what was true a moment ago: another list shows every change that came before the last of these objects
        await refresh()
        confirmed = true
        continue
      }
      for (const { standing, judged: of } of judged)
        if (of.some(({ state }) => state === 'missing') && kustomizations.repair(standing))
          ctx.report({
            kind: 'note',
            text: `Kustomization ${standing.id}: ${of.find(({ state }) => state === 'missing')!.name} is gone from the cluster and is applied again`,
          })
      if (!failed && picture.workloads.every(({ state }) => state === 'done')) {
        const ms = now()
        return {
          digest: sources.digest(),
          revision: verdict.revision,
          source: 'OCIRepository/flux-system/flux-system',
          kustomizations: standings
            .filter(({ state }) => state === 'done')
            .map(({ object, doneAt }) => ({
              name: object.metadata.name,
              namespace: object.metadata.namespace ?? '',
              revision: object.status?.lastAppliedRevision ?? '',
              ms: Math.round(doneAt ?? ms),
            })),
          workloads: picture.workloads.length,
          phases: { fetched: Math.round(fetched?.at ?? ms), applied: Math.round(appliedAt), rolledOut: Math.round(ms) },
          ms: Math.round(ms),
        }
      }
    } else {
      confirmed = false
      appliedAt = undefined
    }
    await alarm.next()
  }

  /** Another revision than the one before: what was remembered of the last one is void. */
  function kustomizationsChanged(): void {
    confirmed = false
    if (!sources.moved()) return
    mending = true
    kustomizations.restart()
  }
}

const announce = (
  { ctx }: Session,
  standings: readonly Standing[],
  others: readonly string[],
  place: 'nowhere' | 'simulated' | 'nodes',
): void => {
  const excluded = standings.filter(({ state }) => state === 'excluded').map(({ id }) => id)
  if (excluded.length > 0) ctx.report({ kind: 'warn', text: `not waited for, as suspended or opted out: ${excluded.join(', ')}` })
  if (others.length > 0) ctx.report({ kind: 'note', text: `failing, but not part of this artifact: ${others.join(', ')}` })
  if (place === 'simulated') ctx.report({ kind: 'note', text: SAID })
  if (place === 'nowhere') ctx.report({ kind: 'note', text: 'the cluster has no nodes: workloads are applied, but not run' })
}
