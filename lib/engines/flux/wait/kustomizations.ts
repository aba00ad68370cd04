import { conditionOf, idOf, isTrue } from '../../../base/object.ts'
import { profileOf } from '../profile-name.ts'
import { factsOf, kustomizationState, type KustomizationState } from './kustomization-state.ts'
import { deadlocked, needsOf, ordered, type Node } from './order.ts'
import type { Kustomization } from './objects.ts'
import { inventoryOf, type Entry, type Member } from './scope.ts'
import type { Session } from './session.ts'
import { versionOf } from './store.ts'

export const KUSTOMIZATION_KIND = { apiVersion: 'kustomize.toolkit.fluxcd.io/v1', kind: 'Kustomization' } as const

const LOST_EVENT_AFTER = 2000
const RETRY_AFTER = 1000
const RETRIES = 3
const DEPENDENCY_NUDGES = 10
/** The controller looks at health every 5 s; a nudge makes it look at once, and is not worth it shortly before it does anyway. */
const HEALTH = { period: 5000, worthwhile: 1000, nudges: 2 }
/** Failures that another Kustomization may mend by what it brings. */
const PROVIDED_BY_OTHERS = /no matches for kind|namespaces .* not found|webhook .* no endpoints/

interface Tracked {
  readonly firstSeen: number
  token: string | undefined
  /** The old failure that is being tried again. */
  retryingOld: boolean
  lostNudged: boolean
  retries: number
  retryAt: number | undefined
  dependencyNudges: number
  healthSince: number | undefined
  healthNudges: number
  repaired: boolean
  doneAt: number | undefined
}

export interface Standing {
  readonly id: string
  readonly object: Kustomization
  readonly direct: boolean
  readonly state: KustomizationState
  readonly reason: string
  readonly message: string
  readonly doneAt: number | undefined
}

interface Look {
  readonly members: readonly Member[]
  readonly all: readonly Kustomization[]
  readonly revision: string
  /** Milliseconds since the wait began; undefined while the source is not there yet. */
  readonly fetchedAt: number | undefined
  /** Version of the source when it had the revision: conditions of older objects speak of something else. */
  readonly fetchedVersion: bigint
  /** Whether everything in an inventory has arrived. */
  readonly healthy: (entries: readonly Entry[]) => boolean
}

const nodeOf = (object: Kustomization): Node => ({
  id: idOf(object),
  needs: needsOf(object.metadata.namespace ?? '', object.spec?.dependsOn),
})

/** Follows Kustomizations to a revision, and nudges where the controllers would take their time. */
export const createKustomizations = (session: Session) => {
  const { now, alarm } = session
  const tracked = new Map<string, Tracked>()
  let first = true

  const track = (id: string): Tracked => {
    const known = tracked.get(id)
    if (known !== undefined) return known
    const fresh: Tracked = {
      firstSeen: now(),
      token: undefined,
      retryingOld: false,
      lostNudged: false,
      retries: 0,
      retryAt: undefined,
      dependencyNudges: 0,
      healthSince: undefined,
      healthNudges: 0,
      repaired: false,
      doneAt: undefined,
    }
    tracked.set(id, fresh)
    return fresh
  }
  const nudge = (object: Kustomization, it: Tracked): void => void (it.token = session.nudge(object, KUSTOMIZATION_KIND))
  const isAnswered = ({ status }: Kustomization, it: Tracked): boolean =>
    it.token === undefined || status?.lastHandledReconcileAt === it.token

  const stateOf = ({ object, id, direct }: Member, { revision, fetchedAt, fetchedVersion }: Look): KustomizationState => {
    const it = track(id)
    const seenAfterFetch = fetchedAt !== undefined && versionOf(object) > fetchedVersion && isAnswered(object, it)
    const state = kustomizationState(factsOf(object, direct ? revision : undefined, seenAfterFetch))
    // seen failed at the first look: its reason may be mended, so it is tried once more
    if (first && (state === 'failed' || state === 'retrying')) it.retryingOld = true
    if (!it.retryingOld || state === 'done' || state === 'excluded') return state
    if (it.token !== undefined && isAnswered(object, it)) {
      it.retryingOld = false
      return state
    }
    return 'building'
  }

  /** Failures that heal are tried again a few times; while others are still coming, theirs is what may be missing. */
  const retry = (standing: Standing, it: Tracked, othersProgress: boolean): KustomizationState => {
    if (!isAnswered(standing.object, it)) return 'retrying'
    if (it.retries >= RETRIES && now() >= (session.options.patience ?? 0))
      return othersProgress && PROVIDED_BY_OTHERS.test(standing.message) ? 'retrying' : 'failed'
    it.retryAt ??= now() + RETRY_AFTER
    if (now() < it.retryAt) alarm.at(it.retryAt)
    else {
      it.retryAt = undefined
      it.retries++
      nudge(standing.object, it)
    }
    return 'retrying'
  }

  const pending = ({ object }: Standing, it: Tracked, fetchedAt: number): void => {
    const due = Math.max(fetchedAt, it.firstSeen) + LOST_EVENT_AFTER
    if (it.lostNudged || isTrue(object.status?.conditions, 'Reconciling')) return
    if (now() < due) return alarm.at(due)
    it.lostNudged = true
    nudge(object, it)
  }

  const health = ({ object }: Standing, it: Tracked, healthy: Look['healthy']): void => {
    it.healthSince ??= now()
    // only the fast profile lets a nudge end a health check that is running
    if (
      profileOf(session.target) !== 'local' ||
      it.healthNudges >= HEALTH.nudges ||
      !isAnswered(object, it) ||
      !healthy(inventoryOf(object))
    )
      return
    const left = HEALTH.period - ((now() - it.healthSince) % HEALTH.period)
    if (left < HEALTH.worthwhile) return
    it.healthNudges++
    nudge(object, it)
  }

  return {
    /** Applies what went missing in the cluster once more; false when that was tried already. */
    repair: ({ object, id }: Standing): boolean => {
      const it = track(id)
      if (it.repaired) return false
      it.repaired = true
      nudge(object, it)
      return true
    },
    /** Forgets everything: another revision is waited for. */
    restart: (): void => tracked.clear(),
    look: (look: Look): readonly Standing[] => {
      const byId = new Map(look.members.map((member) => [member.id, member]))
      const standings = ordered(look.members.map(({ object }) => nodeOf(object))).map((id): Standing => {
        const member = byId.get(id)!
        const state = stateOf(member, look)
        const it = track(id)
        if (state === 'done') it.doneAt ??= now()
        else it.doneAt = undefined
        if (state !== 'health') it.healthSince = undefined
        const ready = conditionOf(member.object.status?.conditions, 'Ready')
        return {
          id,
          object: member.object,
          direct: member.direct,
          state,
          reason: ready?.reason ?? '',
          message: ready?.message ?? '',
          doneAt: it.doneAt,
        }
      })
      first = false
      if (look.fetchedAt === undefined) return standings
      const fetchedAt = look.fetchedAt
      const states = new Map(standings.map(({ id, state }) => [id, state]))
      const outside = new Map(look.all.map((object) => [idOf(object), object]))
      const isDone = (id: string): boolean => {
        const object = outside.get(id)
        return states.has(id)
          ? states.get(id) === 'done'
          : object !== undefined && kustomizationState(factsOf(object, undefined, true)) === 'done'
      }
      const progress = (except: string): boolean =>
        standings.some(({ id, state }) => id !== except && ['pending', 'building', 'health', 'blocked'].includes(state))
      const allDirectDone = standings.every(({ direct, state }) => !direct || state === 'done' || state === 'excluded')
      const acted = standings.map((standing): Standing => {
        const it = track(standing.id)
        if (it.retryingOld) {
          if (it.token === undefined && (standing.direct || allDirectDone)) nudge(standing.object, it)
          return standing
        }
        if (standing.state === 'pending') pending(standing, it, fetchedAt)
        if (standing.state === 'health') health(standing, it, look.healthy)
        if (standing.state === 'retrying') return { ...standing, state: retry(standing, it, progress(standing.id)) }
        const { needs } = nodeOf(standing.object)
        if (
          standing.state === 'blocked' &&
          isAnswered(standing.object, it) &&
          it.dependencyNudges < DEPENDENCY_NUDGES &&
          needs.length > 0 &&
          needs.every(isDone)
        ) {
          it.dependencyNudges++
          nudge(standing.object, it)
        }
        return standing
      })
      const open = acted.filter(({ state }) => state !== 'done' && state !== 'excluded')
      // only when nothing moves any more is a dependency that does not exist known to be missing for good
      if (open.length === 0 || open.some(({ state }) => state !== 'blocked')) return acted
      const finished = new Set([...outside.keys()].filter(isDone))
      const stuck = new Map(
        deadlocked(
          open.map(({ object }) => nodeOf(object)),
          finished,
          (id) => outside.has(id),
        ).map(({ id, why }) => [id, why]),
      )
      return acted.map((standing) =>
        stuck.has(standing.id)
          ? { ...standing, state: 'failed', reason: 'DependencyNotReady', message: stuck.get(standing.id)! }
          : standing,
      )
    },
  }
}

/** Kustomizations that fail and are none of this push's business. */
export const failingOthers = (all: readonly Kustomization[], members: readonly Member[]): readonly string[] => {
  const ours = new Set(members.map(({ id }) => id))
  return all
    .filter(
      (object) =>
        !ours.has(idOf(object)) &&
        object.metadata.deletionTimestamp === undefined &&
        conditionOf(object.status?.conditions, 'Ready')?.status === 'False',
    )
    .map(idOf)
}
