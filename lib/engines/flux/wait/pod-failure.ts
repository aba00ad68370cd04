import { conditionOf, isTrue, type Condition, type KubeObject } from '../../../base/object.ts'

export interface ContainerStatus {
  readonly name: string
  readonly ready: boolean
  readonly restartCount: number
  readonly image?: string
  readonly state?: {
    readonly waiting?: { readonly reason?: string; readonly message?: string }
    readonly terminated?: { readonly reason?: string; readonly exitCode: number; readonly message?: string }
    readonly running?: { readonly startedAt?: string }
  }
  readonly lastState?: { readonly terminated?: { readonly reason?: string; readonly exitCode: number; readonly message?: string } }
}

export type Pod = KubeObject<
  {
    readonly containers: readonly { readonly name: string; readonly readinessProbe?: unknown; readonly image?: string }[]
    readonly nodeName?: string
  },
  {
    readonly phase?: string
    readonly conditions?: readonly Condition[]
    readonly containerStatuses?: readonly ContainerStatus[]
    readonly initContainerStatuses?: readonly ContainerStatus[]
  }
>

/** What is known of a pod, its workload or its job, as far as it tells that waiting is in vain. */
export interface FailureFacts {
  /** Reason why a container waits. */
  readonly waiting?: string | undefined
  /** What the kubelet says about it. */
  readonly message?: string | undefined
  readonly restartCount?: number | undefined
  /** How often ErrImagePull was seen; the first time may be a registry that starts. */
  readonly sightings?: number | undefined
  /** Reason why the pod has no node. */
  readonly podScheduled?: string | undefined
  /** Seconds since it was first seen so. */
  readonly ageSeconds?: number | undefined
  /** Reason why no pod could be created. */
  readonly replicaFailure?: string | undefined
  readonly jobFailed?: boolean | undefined
}

const HOPELESS = new Set([
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
])

/** Seconds that a pod may be without a node before that is a failure. */
export const UNSCHEDULABLE_AFTER = 5

/** Answers of a registry, or the lack of one, that the next pull would get again. */
const FINAL_PULL =
  /not found|manifest unknown|unauthorized|denied|forbidden|authorization failed|no such host|invalid reference|no match for platform/i

/** Whether waiting on is in vain. */
export const isHopeless = ({
  waiting = '',
  message = '',
  restartCount = 0,
  sightings = 0,
  podScheduled,
  ageSeconds = 0,
  replicaFailure,
  jobFailed,
}: FailureFacts): boolean =>
  HOPELESS.has(waiting) ||
  (waiting === 'ErrImagePull' && (sightings >= 2 || FINAL_PULL.test(message))) ||
  (waiting === 'CrashLoopBackOff' && restartCount >= 2) ||
  (podScheduled === 'Unschedulable' && ageSeconds > UNSCHEDULABLE_AFTER) ||
  replicaFailure === 'FailedCreate' ||
  jobFailed === true

export interface PodProblem extends FailureFacts {
  readonly pod: Pod
  /** undefined: the pod as a whole. */
  readonly container: string | undefined
  readonly reason: string
  readonly message: string
}

const ended = ({ lastState, state }: ContainerStatus): string => {
  const last = lastState?.terminated ?? state?.terminated
  return last === undefined
    ? ''
    : `ended with ${last.exitCode}${last.reason === undefined || last.reason === 'Error' ? '' : ` (${last.reason})`}`
}

/** What keeps a pod from running, most telling first; empty when nothing is wrong with it. */
export const problemsOf = (pod: Pod): readonly PodProblem[] => {
  const { conditions, initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {}
  const waits = [...initContainerStatuses, ...containerStatuses].flatMap((status): PodProblem[] => {
    const { reason, message = '' } = status.state?.waiting ?? {}
    if (reason === undefined || /^(ContainerCreating|PodInitializing)$/.test(reason)) {
      const { terminated, running } = status.state ?? {}
      // the kubelet takes its time to call a container that has just crashed again a crash loop
      if (terminated !== undefined && terminated.exitCode !== 0)
        return [
          {
            pod,
            container: status.name,
            reason: 'Crashed',
            message: ended(status),
            restartCount: status.restartCount,
            ...(status.restartCount >= 2 ? { waiting: 'CrashLoopBackOff' } : {}),
          },
        ]
      return running !== undefined && !status.ready && !initContainerStatuses.includes(status)
        ? [{ pod, container: status.name, reason: 'NotReady', message: 'running, but its readiness probe does not succeed' }]
        : []
    }
    const text = reason === 'CrashLoopBackOff' ? [ended(status), `${status.restartCount} restarts`].filter(Boolean).join(', ') : message
    return [{ pod, container: status.name, reason, message: text, waiting: reason, restartCount: status.restartCount }]
  })
  const scheduled = conditionOf(conditions, 'PodScheduled')
  const homeless = scheduled?.status === 'False' && scheduled.reason === 'Unschedulable'
  return homeless
    ? [{ pod, container: undefined, reason: 'Unschedulable', message: scheduled.message ?? '', podScheduled: 'Unschedulable' }, ...waits]
    : waits
}

export const isReady = (pod: Pod): boolean => isTrue(pod.status?.conditions, 'Ready')

/** Whether something other than the start of its process says that the pod works. */
export const hasReadinessProbes = (pod: Pod): boolean =>
  pod.spec?.containers.every(({ readinessProbe }) => readinessProbe !== undefined) === true

export const restartsOf = (pod: Pod): number =>
  (pod.status?.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0)
