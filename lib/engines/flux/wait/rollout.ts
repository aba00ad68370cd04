import { conditionOf, isTrue, type Condition, type KubeObject } from '../../../base/object.ts'
import type { Pod } from './pod-failure.ts'

interface Spec {
  readonly replicas?: number
  readonly paused?: boolean
  readonly suspend?: boolean
  readonly updateStrategy?: { readonly type?: string; readonly rollingUpdate?: { readonly partition?: number } }
  readonly targetNamespace?: string
}

interface Status {
  readonly observedGeneration?: number
  /** Of a release: the generation that its newest action is about. */
  readonly lastAttemptedGeneration?: number
  readonly lastHandledReconcileAt?: string
  readonly replicas?: number
  readonly updatedReplicas?: number
  readonly readyReplicas?: number
  readonly availableReplicas?: number
  readonly unavailableReplicas?: number
  readonly updateRevision?: string
  readonly desiredNumberScheduled?: number
  readonly updatedNumberScheduled?: number
  readonly numberAvailable?: number
  readonly conditions?: readonly Condition[]
}

export type Workload = KubeObject<Spec, Status>
export type WorkloadKind = 'Deployment' | 'StatefulSet' | 'DaemonSet' | 'Job' | 'HelmRelease'

export interface Rollout {
  readonly state: 'done' | 'waiting' | 'failed'
  /** What is still missing, or what went wrong. */
  readonly why: string
}

const done: Rollout = { state: 'done', why: '' }
const waiting = (why: string): Rollout => ({ state: 'waiting', why })
const failed = (why: string): Rollout => ({ state: 'failed', why })

const observed = ({ metadata, status }: Workload): boolean => (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0)

const deployment = ({ spec, status = {} }: Workload): Rollout => {
  const wanted = spec?.replicas ?? 1
  const refused = conditionOf(status.conditions, 'ReplicaFailure')
  if (refused?.status === 'True' && refused.reason === 'FailedCreate')
    return failed(`FailedCreate: ${refused.message ?? 'no pod can be created'}`)
  if (spec?.paused === true) return done
  const { updatedReplicas = 0, availableReplicas = 0, unavailableReplicas = 0, replicas = 0 } = status
  if (updatedReplicas < wanted) return waiting(`${updatedReplicas} of ${wanted} replicas updated`)
  if (replicas <= wanted && availableReplicas >= wanted) return done
  const late = conditionOf(status.conditions, 'Progressing')
  if (late?.reason === 'ProgressDeadlineExceeded') return failed(`ProgressDeadlineExceeded: ${late.message ?? ''}`)
  if (unavailableReplicas > 0) return waiting(`${unavailableReplicas} of ${wanted} new replicas not available`)
  return waiting(
    replicas > wanted ? `${replicas - wanted} old replicas still there` : `${availableReplicas} of ${wanted} replicas available`,
  )
}

const statefulSet = ({ spec, status = {} }: Workload): Rollout => {
  const wanted = spec?.replicas ?? 1
  const { updatedReplicas = 0, availableReplicas, readyReplicas = 0 } = status
  const target = spec?.updateStrategy?.type === 'OnDelete' ? 0 : wanted - (spec?.updateStrategy?.rollingUpdate?.partition ?? 0)
  if (updatedReplicas < target) return waiting(`${updatedReplicas} of ${target} replicas updated`)
  const up = availableReplicas ?? readyReplicas
  return up >= wanted ? done : waiting(`${up} of ${wanted} replicas available`)
}

const daemonSet = ({ spec, status = {} }: Workload): Rollout => {
  const { desiredNumberScheduled: wanted = 0, updatedNumberScheduled: updated = 0, numberAvailable: up = 0 } = status
  if (spec?.updateStrategy?.type !== 'OnDelete' && updated < wanted) return waiting(`${updated} of ${wanted} pods updated`)
  return up >= wanted ? done : waiting(`${up} of ${wanted} pods available`)
}

const job = ({ spec, status }: Workload): Rollout => {
  const broken = conditionOf(status?.conditions, 'Failed')
  if (broken?.status === 'True') return failed(`${broken.reason ?? 'Failed'}: ${broken.message ?? 'the job failed'}`)
  return isTrue(status?.conditions, 'Complete') || spec?.suspend === true ? done : waiting('the job has not completed')
}

/** How a release says that it waits for its chart. */
export const NO_CHART = 'SourceNotReady'

const helmRelease = ({ metadata, spec, status }: Workload): Rollout => {
  if (spec?.suspend === true) return done
  const ready = conditionOf(status?.conditions, 'Ready')
  const said = ready === undefined ? 'not looked at yet' : `${ready.reason ?? ''}: ${(ready.message ?? '').trim()}`
  const current = ready?.observedGeneration === undefined || ready.observedGeneration === metadata.generation
  if (!current) return waiting('its newest generation was not looked at yet')
  // the action of the generation before was ended for this one, which looks like a failure for an instant
  if (ready?.reason === 'HealthCheckCanceled') return waiting(said)
  if (isTrue(status?.conditions, 'Stalled')) return failed(said)
  // what it waits for: the condition of its progress only says that it waits
  if (ready?.status === 'False' && (ready.reason === NO_CHART || ready.reason === 'DependencyNotReady')) return waiting(said)
  if (isTrue(status?.conditions, 'Reconciling')) return waiting(conditionOf(status?.conditions, 'Reconciling')?.message ?? said)
  if (ready?.status === 'False' && /^(InstallFailed|UpgradeFailed|TestFailed|RollbackFailed|UninstallFailed)$/.test(ready.reason ?? ''))
    return failed(said)
  return ready?.status === 'True' && observed({ metadata, ...(status === undefined ? {} : { status }) }) ? done : waiting(said)
}

const RULES: Readonly<Record<WorkloadKind, (it: Workload) => Rollout>> = {
  Deployment: deployment,
  StatefulSet: statefulSet,
  DaemonSet: daemonSet,
  Job: job,
  HelmRelease: helmRelease,
}

/** How far a workload is by its own status. Whether its pods stay up is another question. */
export const rolloutOf = (kind: WorkloadKind, it: Workload): Rollout =>
  kind === 'Job' || kind === 'HelmRelease' || observed(it) ? RULES[kind](it) : waiting('its newest generation was not looked at yet')

const owns = (owner: KubeObject<unknown, unknown>, it: KubeObject<unknown, unknown>): boolean =>
  it.metadata.ownerReferences?.some(({ uid }) => uid === owner.metadata.uid) === true

const REVISION = 'deployment.kubernetes.io/revision'
const TEMPLATE = 'deprecated.daemonset.template.generation'

/**
 * The pods that run what the workload says now; those of an earlier revision, which may be broken for a reason that is mended, are left
 * out. Empty while the controller has not looked at the newest generation.
 */
export const podsOf = (kind: WorkloadKind, it: Workload, pods: readonly Pod[], replicaSets: readonly KubeObject[]): readonly Pod[] => {
  if (kind === 'Job') return pods.filter((pod) => owns(it, pod))
  if (!observed(it)) return []
  if (kind === 'StatefulSet')
    return pods.filter((pod) => owns(it, pod) && pod.metadata.labels?.['controller-revision-hash'] === it.status?.updateRevision)
  if (kind === 'DaemonSet')
    return pods.filter((pod) => owns(it, pod) && pod.metadata.labels?.['pod-template-generation'] === it.metadata.annotations?.[TEMPLATE])
  const revision = it.metadata.annotations?.[REVISION]
  const current = replicaSets.find((set) => owns(it, set) && revision !== undefined && set.metadata.annotations?.[REVISION] === revision)
  return current === undefined ? [] : pods.filter((pod) => owns(current, pod))
}
