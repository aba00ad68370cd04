import { isHopeless, UNSCHEDULABLE_AFTER, type PodProblem } from './pod-failure.ts'
import type { Session } from './session.ts'
import { versionOf } from './store.ts'

/** How long a failure that was there before may take to heal by what came now. */
export const GRACE = 30_000

/** What was there before: it has at most this version, and counts as a failure only from `until` on (ms of the wait). */
export interface Past {
  readonly version: bigint
  readonly until: number
}

/** Whether waiting for a pod is in vain: by what it says, by the clock, and by earlier looks. */
export const createPodJudge = ({ now, alarm, options }: Session) => {
  const unscheduledSince = new Map<string, number>()
  const pulls = new Map<string, Set<string>>()
  return (problem: PodProblem, past: Past): boolean => {
    const { pod, container } = problem
    const id = `${pod.metadata.uid ?? ''}/${container ?? ''}`
    if (versionOf(pod) <= past.version && now() < past.until) {
      alarm.at(past.until)
      return false
    }
    if (problem.podScheduled !== undefined) {
      const since = unscheduledSince.get(id) ?? now()
      unscheduledSince.set(id, since)
      alarm.at(since + UNSCHEDULABLE_AFTER * 1000 + 1)
      return isHopeless({ ...problem, ageSeconds: (now() - since) / 1000 })
    }
    if (problem.waiting === 'ErrImagePull') {
      // while a cluster is made, its registry may not be reachable yet
      if (now() < (options.patience ?? 0)) return false
      const seen = pulls.get(id) ?? new Set()
      pulls.set(id, seen.add(pod.metadata.resourceVersion ?? ''))
      return isHopeless({ ...problem, sightings: seen.size })
    }
    return isHopeless(problem)
  }
}
