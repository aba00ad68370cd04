import { conditionOf, isTrue, type Condition } from '../../../base/object.ts'

export type SourceState = 'fetched' | 'wait' | 'retry' | 'stale' | 'superseded' | 'failed'

export interface SourceFacts {
  /** The revision that the source must hold, as `dev@sha256:…`. */
  readonly revision: string
  /** The request that the source must have handled before its failures count. */
  readonly token: string
  /** What the tag resolves to in the registry now, when it was asked. */
  readonly registryHead: string | undefined
  readonly artifactRevision: string | undefined
  readonly lastHandledReconcileAt: string | undefined
  readonly conditions: readonly Condition[]
}

/** The digest of a revision such as `dev@sha256:…`. */
export const digestOf = (revision: string): string => revision.slice(revision.indexOf('@') + 1)

/** Failures that the same request would meet again. */
const isFinal = (reason: string): boolean => /^(AuthenticationFailed|URLInvalid)$/.test(reason) || reason.endsWith('LayerOperationFailed')

/** Where a source is on its way to a revision. A failure counts only when it answers our own request. */
export const sourceState = ({
  revision,
  token,
  registryHead,
  artifactRevision,
  lastHandledReconcileAt,
  conditions,
}: SourceFacts): SourceState => {
  if (artifactRevision === revision) return 'fetched'
  if (isTrue(conditions, 'Stalled')) return 'failed'
  const handled = (lastHandledReconcileAt ?? '') === token
  const failure = ['FetchFailed', 'StorageOperationFailed', 'SourceVerified']
    .map((type) => conditionOf(conditions, type))
    .find((it) => it?.status === (it?.type === 'SourceVerified' ? 'False' : 'True'))
  if (handled && failure !== undefined) return isFinal(failure.reason ?? '') || failure.type === 'SourceVerified' ? 'failed' : 'retry'
  const held = artifactRevision === undefined ? undefined : digestOf(artifactRevision)
  if (held !== undefined && held === registryHead && held !== digestOf(revision)) return 'superseded'
  return handled && isTrue(conditions, 'Ready') && !isTrue(conditions, 'Reconciling') ? 'stale' : 'wait'
}
