import type { Condition, KubeObject } from '../../../base/object.ts'

export interface Ref {
  readonly tag?: string | undefined
  readonly digest?: string | undefined
  readonly semver?: string | undefined
}

export type Source = KubeObject<
  { readonly url: string; readonly ref?: Ref; readonly suspend?: boolean },
  {
    readonly artifact?: { readonly revision: string }
    readonly lastHandledReconcileAt?: string
    readonly observedGeneration?: number
    readonly conditions?: readonly Condition[]
  }
>

export interface Dependency {
  readonly name: string
  readonly namespace?: string | undefined
}

export type Kustomization = KubeObject<
  {
    readonly path?: string
    readonly suspend?: boolean
    readonly wait?: boolean
    readonly prune?: boolean
    readonly targetNamespace?: string
    readonly namePrefix?: string
    readonly nameSuffix?: string
    readonly components?: readonly string[]
    readonly dependsOn?: readonly Dependency[]
    readonly sourceRef: { readonly kind: string; readonly name: string; readonly namespace?: string }
  },
  {
    readonly observedGeneration?: number
    readonly lastAttemptedRevision?: string
    readonly lastAppliedRevision?: string
    readonly lastHandledReconcileAt?: string
    readonly conditions?: readonly Condition[]
    readonly inventory?: { readonly entries?: readonly { readonly id: string; readonly v: string }[] }
  }
>

export const REQUESTED_AT = 'reconcile.fluxcd.io/requestedAt'
