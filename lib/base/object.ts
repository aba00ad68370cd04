export interface Condition {
  readonly type: string
  readonly status: string
  readonly reason?: string | undefined
  readonly message?: string | undefined
  readonly observedGeneration?: number | undefined
  readonly lastTransitionTime?: string | undefined
}

export interface OwnerReference {
  readonly kind: string
  readonly name: string
  readonly uid: string
}

export interface Metadata {
  readonly name: string
  readonly namespace?: string | undefined
  readonly uid?: string | undefined
  readonly resourceVersion?: string | undefined
  readonly generation?: number | undefined
  readonly labels?: Readonly<Record<string, string>> | undefined
  readonly annotations?: Readonly<Record<string, string>> | undefined
  readonly ownerReferences?: readonly OwnerReference[] | undefined
  readonly creationTimestamp?: string | undefined
  readonly deletionTimestamp?: string | undefined
}

/** An object of a Kubernetes API, as JSON has it. What a reader knows of `spec` and `status` it says by the type parameters. */
export interface KubeObject<Spec = Readonly<Record<string, unknown>>, Status = Readonly<Record<string, unknown>>> {
  readonly apiVersion?: string | undefined
  readonly kind?: string | undefined
  readonly metadata: Metadata
  readonly spec?: Spec | undefined
  readonly status?: Status | undefined
}

/** `namespace/name`, how objects of one kind are told apart. */
export const idOf = ({ metadata }: KubeObject<unknown, unknown>): string => `${metadata.namespace ?? ''}/${metadata.name}`

export const conditionOf = (conditions: readonly Condition[] | undefined, type: string): Condition | undefined =>
  conditions?.find((it) => it.type === type)

export const isTrue = (conditions: readonly Condition[] | undefined, type: string): boolean =>
  conditionOf(conditions, type)?.status === 'True'
