import { conditionOf, isTrue, type Condition } from '../../../base/object.ts'
import type { Kustomization } from './objects.ts'

export type KustomizationState = 'excluded' | 'pending' | 'building' | 'health' | 'blocked' | 'retrying' | 'failed' | 'done'

export interface KustomizationFacts {
  /** The revision that must be applied; undefined for an object that follows another source: it only has to be ready for its generation. */
  readonly revision: string | undefined
  /** Its conditions were seen after the source had the revision. */
  readonly seenAfterFetch: boolean
  readonly generation: number | undefined
  readonly observedGeneration: number | undefined
  readonly lastAttemptedRevision: string | undefined
  readonly lastAppliedRevision: string | undefined
  readonly suspend: boolean
  readonly annotations: Readonly<Record<string, string>>
  readonly conditions: readonly Condition[]
}

export const EXCLUDE = 'ksail.io/reconcile-exclude'

const PERMANENT = new Set([
  'BuildFailed',
  'InvalidCELExpression',
  'AccessDenied',
  'FeatureGateDisabled',
  'HealthCheckFailed',
  'PruneFailed',
])
/** Messages of a failed apply that may heal; case counts, and this list goes first. */
const HEALS = /connection refused|timeout|EOF|conflict|etcdserver|webhook .* no endpoints|no matches for kind|namespaces .* not found/
const STAYS =
  /is invalid|field is immutable|forbidden|denied the request|field not declared in schema|unknown field|SOPS encrypted|decryption|namespace not specified/

const artifactFailed = (message: string): KustomizationState => (message.includes('kustomization path not found') ? 'failed' : 'retrying')

const notReady = ({ reason = '', message = '' }: Condition): KustomizationState => {
  if (PERMANENT.has(reason)) return 'failed'
  if (reason === 'HealthCheckCanceled') return 'health'
  if (reason === 'DependencyNotReady') return 'blocked'
  if (reason === 'ArtifactFailed') return artifactFailed(message)
  if (reason === 'ReconciliationFailed' && !HEALS.test(message) && STAYS.test(message)) return 'failed'
  // a false failure costs more than three more tries
  return 'retrying'
}

/** Where a Kustomization is on its way to a revision. Ready of another revision or generation says nothing and is not looked at. */
export const kustomizationState = (it: KustomizationFacts): KustomizationState => {
  if (it.suspend || it.annotations[EXCLUDE]?.toLowerCase() === 'true') return 'excluded'
  const current = it.generation === it.observedGeneration
  if (isTrue(it.conditions, 'Stalled') && current) return 'failed'
  const ready = conditionOf(it.conditions, 'Ready')
  const ofThisGeneration = ready?.observedGeneration === undefined || ready.observedGeneration === it.generation
  if (it.revision !== undefined && it.lastAttemptedRevision !== it.revision) {
    if (ready?.status !== 'False') return 'pending'
    if (ready.reason === 'DependencyNotReady') return 'blocked'
    return ready.reason === 'ArtifactFailed' && it.seenAfterFetch ? artifactFailed(ready.message ?? '') : 'pending'
  }
  if (ready === undefined || !ofThisGeneration) return 'pending'
  if (ready.status === 'False') return notReady(ready)
  const reconciling = conditionOf(it.conditions, 'Reconciling')
  if (reconciling?.status === 'True' && reconciling.message?.startsWith('Running health checks') === true) return 'health'
  if (reconciling?.status === 'True' || ready.status !== 'True') return 'building'
  return current && (it.revision === undefined || it.lastAppliedRevision === it.revision) ? 'done' : 'building'
}

/** What the state machine needs to know of an object. */
export const factsOf = (
  { metadata, spec, status }: Kustomization,
  revision: string | undefined,
  seenAfterFetch: boolean,
): KustomizationFacts => ({
  revision,
  seenAfterFetch,
  generation: metadata.generation,
  observedGeneration: status?.observedGeneration,
  lastAttemptedRevision: status?.lastAttemptedRevision,
  lastAppliedRevision: status?.lastAppliedRevision,
  suspend: spec?.suspend === true,
  annotations: metadata.annotations ?? {},
  conditions: status?.conditions ?? [],
})
