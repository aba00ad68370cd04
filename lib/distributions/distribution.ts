import type { Context } from '../base/context.ts'
import type { Target } from '../base/target.ts'
import type { ToolName } from '../tools/index.ts'
import type { BesideRegistry, EnsureBeside } from './beside.ts'
import type { NodesPreview, RegistryPreview } from './preview.ts'

/** A machine of a cluster, whatever it is made of. */
export interface Node {
  readonly id: string
  readonly name: string
  readonly running: boolean
  readonly status: string
  /** Why it is of no use although it runs, and what to do, as `is not ready: look at …`. */
  readonly trouble?: string | undefined
  /** ISO 8601. */
  readonly created: string
}

/** Milliseconds that may pass until what was started is ready. */
export interface Wait {
  readonly timeout: number
}

export type SavedLogs = readonly { readonly was: string; readonly file: string }[]

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

/** The registry beside a cluster, whatever it is made of. */
export interface RegistryRuntime {
  /** What it is, for people: `container`, `process`. */
  readonly noun: string
  /** What it keeps artifacts in, for people: `volume`, `storage`. */
  readonly storageNoun: string
  /** What it would run. */
  readonly preview: RegistryPreview
  /** Running or not; undefined when there is none. */
  find(ctx: Context, cluster: string): Promise<BesideRegistry | undefined>
  /** Labels of what it keeps artifacts in; undefined when there is no such thing. */
  storage(ctx: Context, cluster: string): Promise<Readonly<Record<string, string>> | undefined>
  /** Found, started or made, and answering. */
  ensure(
    ctx: Context,
    options: EnsureBeside,
    made: (undo: () => Promise<void>) => void,
  ): Promise<{ readonly port: number; readonly adopted: readonly string[] }>
  /** As the engine of the cluster reads it, without a repository: `oci://dev-local-registry:5000`. */
  url(cluster: string, port: number | undefined): string
  /** What nodes need besides to reach it: as titles and work, each done as soon as they have booted. */
  readonly links: readonly {
    readonly title: string
    /** The port, when doing it has moved it. */
    do(ctx: Context, cluster: string, port: number, nodes: readonly string[]): Promise<number | undefined>
  }[]
  /** Starts the one that is there; the port on which it answers then. */
  start(ctx: Context, cluster: string, wait: Wait): Promise<number | undefined>
  stop(ctx: Context, cluster: string): Promise<void>
  remove(
    ctx: Context,
    options: { readonly cluster: string; readonly owner: EnsureBeside['owner']; readonly keepStorage: boolean },
  ): Promise<void>
}

/** Controllers that come with the engine's manifests. */
export interface PodControllers {
  readonly as: 'pods'
}

/** Controllers that are programs, which the engine's manifests do not bring. */
export interface ProcessControllers {
  readonly as: 'processes'
  /** Whether these all run. */
  run(ctx: Context, name: string, names: readonly string[]): Promise<boolean>
  /** Starts those that do not run; their kinds are served already. */
  start(ctx: Context, name: string, names: readonly string[], wait: Wait): Promise<void>
}

/** A distribution on a provider: how its clusters are made, found, started, stopped and removed. */
export interface Runtime {
  readonly summary: string
  /** Asked for before anything is made. */
  tools(target: Pick<Target, 'workers'>): readonly ToolName[]
  readonly registry: RegistryRuntime
  /** What a node is, for people: `node`, `process`. */
  readonly noun: string
  /** Several of them: `nodes`, `processes`. */
  readonly nouns: string
  /** What it would run. */
  readonly preview: NodesPreview
  contextOf(name: string): string
  /** The nodes that carry this cluster's name, whoever made them. */
  nodes(ctx: Context, name: string): Promise<readonly Node[]>
  /** Makes the cluster; called only when no node of that name exists. */
  make(ctx: Context, target: Target, signal: AbortSignal): Making
  /** The same milestones for a cluster whose nodes run. */
  adopt(ctx: Context, target: Target, signal: AbortSignal): Making
  /** Ends programs of an earlier run that still make this cluster; true when there was one. */
  endMakers(ctx: Context, name: string): Promise<boolean>
  start(ctx: Context, name: string, wait: Wait): Promise<void>
  stop(ctx: Context, name: string): Promise<void>
  /** Waits until the API server answers. */
  ready(ctx: Context, target: Target, wait: Wait): Promise<void>
  /** Writes the context into the kubeconfig again and makes it current. */
  connect(ctx: Context, target: Target): Promise<void>
  /** How the engine's controllers run. */
  readonly controllers: PodControllers | ProcessControllers
  /** Removes nodes and kubeconfig entry. */
  remove(ctx: Context, name: string, kubeconfig: string): Promise<void>
  /** Saves what the nodes say into a folder: where each log was, in the words of a hint, and which file it is now. */
  saveLogs(ctx: Context, name: string, folder: string): Promise<SavedLogs>
}

export interface Distribution {
  readonly summary: string
  /** A runtime for each provider that it works on. */
  readonly on: Readonly<Record<string, Runtime>>
}
