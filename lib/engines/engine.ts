import type { Context } from '../base/context.ts'
import type { ControllersAs } from '../base/controllers.ts'
import type { Target } from '../base/target.ts'
import type { Kube } from '../tools/kube.ts'
import type { ToolName } from '../tools/index.ts'

export interface SyncOptions {
  /** As the cluster reaches it: `oci://host[:port]/repository`, without a tag. */
  readonly url: string
  readonly insecure: boolean
  readonly tag: string
  /** Name of the Secret with the registry's credentials. */
  readonly pullSecret?: string | undefined
}

/** What the engine of a cluster reads. */
export interface ClusterSource {
  readonly url: string
  readonly tag: string | undefined
  /** Set when the source is pinned to a digest. */
  readonly digest: string | undefined
  /** What it fetched last, as `dev@sha256:…`. */
  readonly revision?: string | undefined
  /** The object that says so, as `OCIRepository/flux-system/flux-system`. */
  readonly resource: string
  /** What the cluster pulls with, when that was asked for and is meant for others, too. */
  readonly secret?: { readonly host: string; readonly username: string; readonly password: string } | undefined
}

export interface SourceOptions {
  /** Reads the Secret with the registry's credentials as well. */
  readonly secret?: boolean | undefined
}

export interface WaitOptions {
  readonly digest: string
  readonly tag: string
  /** Milliseconds; default the target's. */
  readonly timeout?: number | undefined
  /** Follows a tag that moves to another digest meanwhile; without it that is a conflict. */
  readonly latest?: boolean | undefined
  /** Milliseconds in which a registry that the cluster cannot reach yet is no failure, as while a cluster is made. */
  readonly patience?: number | undefined
  /** What the tag resolves to in the registry now. */
  readonly head?: (() => Promise<string | undefined>) | undefined
  /** An open connection; without it one is made and closed. */
  readonly kube?: Kube | undefined
  /** What must have happened before anything is asked of the engine, as the move of the tag: only reading begins before. The wait counts from then on. */
  readonly after?: Promise<unknown> | undefined
}

export interface Reconciled {
  readonly name: string
  readonly namespace: string
  readonly revision: string
  /** Milliseconds from the start of the wait. */
  readonly ms: number
}

export interface ReconcileResult {
  readonly digest: string
  readonly revision: string
  readonly source: string
  readonly kustomizations: readonly Reconciled[]
  /** Workloads and releases that were checked. */
  readonly workloads: number
  /** Milliseconds from the start of the wait to the end of each phase. */
  readonly phases: { readonly fetched: number; readonly applied: number; readonly rolledOut: number }
  readonly ms: number
}

/** What one object of an engine has applied from a source. */
export interface Applied {
  /** As `Kustomization flux-system/apps`. */
  readonly by: string
  readonly self: AppliedObject
  /** Tag that its source follows. */
  readonly tag: string | undefined
  /** Folder of the artifact that it builds. */
  readonly path: string
  /** Removes what the source no longer makes. */
  readonly prunes: boolean
  /** What it changes in names of manifests. */
  readonly names: { readonly namespace?: string | undefined; readonly prefix?: string | undefined; readonly suffix?: string | undefined }
  readonly objects: readonly AppliedObject[]
}

export interface AppliedObject {
  readonly group: string
  readonly version: string
  readonly kind: string
  /** Empty for kinds without one. */
  readonly namespace: string
  readonly name: string
}

/** The controllers of an engine, as they run in one kind of cluster. */
export interface Controllers {
  /** Asked for before anything is made. */
  readonly tools: readonly ToolName[]
  /** Any one of these makes the manifests where no earlier run has; those among `tools` are not named. */
  readonly makers?: readonly ToolName[] | undefined
  /** What the cluster needs of them as YAML, ready for server-side apply. */
  manifests(ctx: Context, target: Target, options: { readonly components: readonly string[] }): Promise<string>
  /** The command that prints what they are made of, for people. */
  shown(components: readonly string[]): string
}

/** What makes a cluster follow a registry. */
export interface Engine {
  readonly summary: string
  /** Whether a cluster reads anything by it. */
  readonly follows: boolean
  /** What its controllers need, by how they run there. */
  readonly controllers: Readonly<Record<ControllersAs, Controllers>>
  /** Names of the controllers that the start folder needs. */
  components(ctx: Context, target: Target): Promise<readonly string[]>
  /** The objects that name source and start folder as YAML; they need the kinds that the controllers' manifests bring. */
  sync(ctx: Context, target: Target, options: SyncOptions): Promise<string>
  /** What the cluster reads now; undefined when it reads nothing. */
  source(ctx: Context, target: Target, kube?: Kube, options?: SourceOptions): Promise<ClusterSource | undefined>
  /** What it has applied from the sources that are asked for; none when it cannot tell. */
  applied?(kube: Kube, reads: (source: ClusterSource) => boolean): Promise<readonly Applied[]>
  /** Makes the engine take a digest and waits until it is live. */
  reconcile(ctx: Context, target: Target, options: WaitOptions): Promise<ReconcileResult>
}
