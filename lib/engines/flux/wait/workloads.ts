import type { KubeObject } from '../../../base/object.ts'
import { collection, pluralOf } from '../../../tools/kube-paths.ts'
import { createCharts } from './chart.ts'
import { hasReadinessProbes, problemsOf, type Pod, type PodProblem } from './pod-failure.ts'
import { createPodJudge, GRACE, type Past } from './pod-judge.ts'
import { NO_CHART, podsOf, rolloutOf, type Workload, type WorkloadKind } from './rollout.ts'
import type { Entry } from './scope.ts'
import type { Session } from './session.ts'
import { createSteadiness } from './steady.ts'
import { versionOf, type Store } from './store.ts'

const KINDS: Readonly<Record<WorkloadKind, string>> = {
  Deployment: 'apps',
  StatefulSet: 'apps',
  DaemonSet: 'apps',
  Job: 'batch',
  HelmRelease: 'helm.toolkit.fluxcd.io',
}
const OF_RELEASES = ['Deployment', 'StatefulSet', 'DaemonSet'] as const
const RELEASE_NAME = 'helm.toolkit.fluxcd.io/name'
const RELEASE_NAMESPACE = 'helm.toolkit.fluxcd.io/namespace'

export interface Judged {
  readonly kind: WorkloadKind
  readonly namespace: string
  readonly name: string
  readonly state: 'done' | 'waiting' | 'failed' | 'missing'
  readonly why: string
  readonly problems: readonly PodProblem[]
}

const isWorkload = (entry: Entry): entry is Entry & { readonly kind: WorkloadKind } => KINDS[entry.kind as WorkloadKind] === entry.group

export const workloadsIn = (entries: readonly Entry[]): readonly (Entry & { readonly kind: WorkloadKind })[] => entries.filter(isWorkload)

const describe = ({ pod, container, reason, message }: PodProblem): string =>
  `pod ${pod.metadata.name}${container === undefined ? '' : ` container ${container}`}: ${reason}${message === '' ? '' : `: ${message}`}`

/** An evicted or finished pod stays in the list, but its workload has replaced it. */
const isOver = (phase: string | undefined): boolean => phase === 'Failed' || phase === 'Succeeded'

/** Watches workloads, their pods and releases, namespace by namespace as they are asked for. */
export const createWorkloads = (session: Session, past: () => Past) => {
  const { now, alarm } = session
  const stores = new Map<string, Store<KubeObject>>()
  const opening = new Map<string, Promise<void>>()
  const steady = createSteadiness()
  const isHopeless = createPodJudge(session)
  const unattempted = new Set<string>()
  const attempts = new Map<string, Past>()
  const retried = new Map<string, string>()

  const open = <T extends KubeObject<unknown, unknown>>(path: string): Store<T> | undefined => {
    if (!opening.has(path)) {
      const opened = session.follow<KubeObject>(path).then((store) => void stores.set(path, store))
      opening.set(path, opened)
      session.aside(() => opened)
    }
    return stores.get(path) as Store<T> | undefined
  }
  const chartTrouble = createCharts(session, open, () => past().version)
  const storeOf = (kind: WorkloadKind, version: string, namespace: string) =>
    open<Workload>(collection(`${KINDS[kind]}/${version}`, pluralOf(kind), namespace))

  const podsFor = (
    kind: WorkloadKind,
    it: Workload,
  ): { readonly pods: readonly Pod[]; readonly server: number | undefined } | undefined => {
    const namespace = it.metadata.namespace ?? 'default'
    const sets = kind === 'Deployment' ? open<KubeObject>(collection('apps/v1', 'replicasets', namespace)) : undefined
    const pods = open<Pod>(collection('v1', 'pods', namespace))
    if (pods === undefined || (kind === 'Deployment' && sets === undefined)) return undefined
    const current = podsOf(kind, it, pods.items(), sets?.items() ?? []).filter(
      ({ metadata, status }) => metadata.deletionTimestamp === undefined && (kind === 'Job' || !isOver(status?.phase)),
    )
    return { pods: current, server: pods.serverNow() }
  }

  /** Whether a workload has arrived, by its own status and by its pods. */
  const judgeWorkload = (kind: WorkloadKind, it: Workload, since: Past): Pick<Judged, 'state' | 'why' | 'problems'> => {
    const rollout = rolloutOf(kind, it)
    const found = podsFor(kind, it)
    if (found === undefined) return { state: 'waiting', why: 'reading its pods', problems: [] }
    const problems = found.pods.flatMap(problemsOf)
    const bad = problems.filter((problem) => isHopeless(problem, since))
    if (bad.length > 0 && rollout.state !== 'done') return { state: 'failed', why: describe(bad[0]!), problems: bad }
    if (rollout.state === 'failed') {
      if (kind === 'Job' || versionOf(it) > since.version || now() >= since.until) return { state: 'failed', why: rollout.why, problems }
      alarm.at(since.until)
      return { state: 'waiting', why: rollout.why, problems }
    }
    if (rollout.state === 'waiting')
      return { state: 'waiting', why: problems.length > 0 ? `${rollout.why}; ${describe(problems[0]!)}` : rollout.why, problems }
    if (kind === 'Job') return { ...rollout, state: 'done', problems: [] }
    const from = Math.max(
      0,
      ...found.pods.filter((pod) => !hasReadinessProbes(pod)).map((pod) => steady(pod, { now: now(), server: found.server })),
    )
    if (from <= now()) return { state: 'done', why: '', problems: [] }
    if (from < Infinity) alarm.at(from)
    return { state: 'waiting', why: problems[0] === undefined ? 'its pods have just started' : describe(problems[0]), problems }
  }

  /** A release says nothing of its pods until its own time is up: what it has made so far is looked at. */
  const troubleOf = (it: Workload, since: Past): Pick<Judged, 'why' | 'problems'> | undefined => {
    const namespace = it.spec?.targetNamespace ?? it.metadata.namespace ?? 'default'
    for (const kind of OF_RELEASES)
      for (const made of storeOf(kind, 'v1', namespace)?.items() ?? []) {
        const labels = made.metadata.labels ?? {}
        if (labels[RELEASE_NAME] !== it.metadata.name || labels[RELEASE_NAMESPACE] !== it.metadata.namespace) continue
        const { state, why, problems } = judgeWorkload(kind, made, since)
        if (state === 'failed') return { why: `${kind} ${namespace}/${made.metadata.name}: ${why}`, problems }
      }
    return undefined
  }

  /** What was there before the release began with its newest generation may be mended by it; undefined while it has not begun. */
  const pastOf = (it: Workload): Past | undefined => {
    const key = `${it.metadata.uid}@${it.metadata.generation}`
    if (it.status?.lastAttemptedGeneration !== it.metadata.generation) return void unattempted.add(key)
    if (unattempted.delete(key)) attempts.set(key, { version: versionOf(it), until: now() + GRACE })
    return attempts.get(key) ?? past()
  }

  const judgeRelease = (it: Workload, version: string): Pick<Judged, 'state' | 'why' | 'problems'> => {
    const { state, why } = rolloutOf('HelmRelease', it)
    const id = it.metadata.uid ?? ''
    const token = retried.get(id)
    const since = pastOf(it)
    if (token !== undefined && it.status?.lastHandledReconcileAt !== token && state !== 'done')
      return { state: 'waiting', why: `retrying (${why})`, problems: [] }
    if (state === 'failed') {
      // what failed before this wait gets one more try, as whatever it failed for may be mended
      if (token !== undefined || versionOf(it) > past().version) return { state, why, problems: [] }
      retried.set(
        id,
        session.nudge(it, { apiVersion: `${KINDS.HelmRelease}/${version}`, kind: 'HelmRelease' }, ['reconcile.fluxcd.io/resetAt']),
      )
      return { state: 'waiting', why: `retrying (${why})`, problems: [] }
    }
    if (state !== 'waiting') return { state, why, problems: [] }
    const lacking = why.startsWith(NO_CHART) ? chartTrouble(it) : undefined
    if (lacking !== undefined) return { state: 'failed', why: lacking, problems: [] }
    const trouble = since === undefined ? undefined : troubleOf(it, since)
    return trouble === undefined ? { state, why, problems: [] } : { state: 'failed', ...trouble }
  }

  return {
    judge: (entry: Entry & { readonly kind: WorkloadKind }): Judged => {
      const { kind, namespace, name, version } = entry
      const about = { kind, namespace, name }
      const store = storeOf(kind, version, namespace)
      if (store === undefined) return { ...about, state: 'waiting', why: 'reading it', problems: [] }
      const it = store.items().find(({ metadata }) => metadata.name === name)
      // a finished job may have been swept by its time to live
      if (it === undefined)
        return { ...about, state: kind === 'Job' ? 'done' : 'missing', why: 'it is in the inventory, but not in the cluster', problems: [] }
      return { ...about, ...(kind === 'HelmRelease' ? judgeRelease(it, version) : judgeWorkload(kind, it, past())) }
    },
    /** Reads everything again that is being watched. */
    refresh: async (): Promise<void> => {
      await Promise.all(opening.values())
      await Promise.all([...stores.values()].map((store) => store.refresh()))
    },
  }
}
