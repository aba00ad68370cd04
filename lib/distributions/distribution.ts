import type { Context } from '../base/context.ts'
import type { Target } from '../base/target.ts'
import type { ToolName } from '../tools/index.ts'

/** A machine of a cluster, whatever it is made of. */
export interface Node {
  readonly id: string
  readonly name: string
  readonly running: boolean
  readonly status: string
  /** ISO 8601. */
  readonly created: string
}

export type Apply = (yaml: string, options: { readonly manager: string }) => Promise<void>

/** A cluster that is being made, as milestones: whoever needs one awaits it and starts the moment it is there. */
export interface Making {
  /** Names of the nodes, as soon as programs can run in them. */
  readonly booted: Promise<readonly string[]>
  /** Applies manifests server-side as soon as the API server answers, which is long before `done`. */
  readonly apply: Apply
  /** The cluster is complete and the context is in the kubeconfig. */
  readonly done: Promise<void>
}

/** A distribution on a provider: how its clusters are made, found, started, stopped and removed. */
export interface Runtime {
  readonly summary: string
  /** Asked for before anything is made. */
  readonly tools: readonly ToolName[]
  contextOf(name: string): string
  /** The nodes that carry this cluster's name, whoever made them. */
  nodes(ctx: Context, name: string): Promise<readonly Node[]>
  /** Makes the cluster; called only when no node of that name exists. */
  make(ctx: Context, target: Target, signal: AbortSignal): Making
  /** The same milestones for a cluster whose nodes run. */
  adopt(ctx: Context, target: Target, signal: AbortSignal): Making
  /** Ends programs of an earlier run that still make this cluster; true when there was one. */
  endMakers(ctx: Context, name: string): Promise<boolean>
  start(ctx: Context, name: string): Promise<void>
  stop(ctx: Context, name: string): Promise<void>
  /** Waits until the API server answers. */
  ready(ctx: Context, target: Target, options: { readonly timeout: number }): Promise<void>
  /** Writes the context into the kubeconfig again and makes it current. */
  connect(ctx: Context, target: Target): Promise<void>
  /** Removes nodes and kubeconfig entry. */
  remove(ctx: Context, name: string, kubeconfig: string): Promise<void>
  /** Saves what the nodes say into a folder. */
  saveLogs(ctx: Context, name: string, folder: string): Promise<void>
}

export interface Distribution {
  readonly summary: string
  /** A runtime for each provider that it works on. */
  readonly on: Readonly<Record<string, Runtime>>
}
