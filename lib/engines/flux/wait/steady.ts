import { isReady, restartsOf, type Pod } from './pod-failure.ts'

/** How long a pod without readiness probes must stay up before it counts: a container that crashes at once is ready for an instant. */
export const MOMENT = 2000
/** The same for one that has crashed before our eyes. */
const AFTER_CRASH = 6000
/** Of the cluster's own clock, whose times have whole seconds. */
const LONG_AGO = 10_000

interface Seen {
  readonly restarts: number
  readonly since: number
}

interface Clock {
  readonly now: number
  /** The cluster's clock. */
  readonly server: number | undefined
}

const startedAt = ({ status }: Pod): number =>
  Math.max(...(status?.containerStatuses ?? []).map(({ state }) => Date.parse(state?.running?.startedAt ?? '') || Infinity))

/** Remembers since when pods are ready without a restart. */
export const createSteadiness = () => {
  const seen = new Map<string, Seen>()
  const restartsBefore = new Map<string, number>()
  /** The time from which the pod counts as steady; Infinity while it is not ready. */
  return (pod: Pod, { now, server }: Clock): number => {
    const id = pod.metadata.uid ?? pod.metadata.name
    const restarts = restartsOf(pod)
    if (!restartsBefore.has(id)) restartsBefore.set(id, restarts)
    if (!isReady(pod)) {
      seen.delete(id)
      return Infinity
    }
    if (server !== undefined && server - startedAt(pod) >= LONG_AGO) return 0
    const known = seen.get(id)
    if (known?.restarts !== restarts) seen.set(id, { restarts, since: now })
    const crashed = restarts > (restartsBefore.get(id) ?? 0)
    return seen.get(id)!.since + (crashed ? AFTER_CRASH : MOMENT)
  }
}
