import type { Context } from '../base/context.ts'
import type { Target } from '../base/target.ts'
import type { EnsureBeside } from './beside.ts'

/** What would run, as it could be pasted into a shell; nothing where nothing is left to do. None of it is run. */
export type Commands = readonly string[]

/** What the registry beside a cluster would run. */
export interface RegistryPreview {
  /** The port that it would have, too. A named one that is taken is `conflict`, as it would be. */
  ensure(ctx: Context, options: EnsureBeside): Promise<{ readonly port: number | undefined; readonly commands: Commands }>
  /** For each of the runtime's links, in their order. */
  links(ctx: Context, cluster: string, port: number, nodes: readonly string[]): Promise<readonly Commands[]>
  start(ctx: Context, cluster: string): Promise<Commands>
  stop(ctx: Context, cluster: string): Promise<Commands>
  remove(
    ctx: Context,
    options: { readonly cluster: string; readonly owner: EnsureBeside['owner']; readonly keepStorage: boolean },
  ): Promise<Commands>
}

/** What the nodes of a cluster would run. */
export interface NodesPreview {
  make(ctx: Context, target: Target): Promise<Commands>
  /** Names of the nodes that `make` would make. */
  names(ctx: Context, target: Target): Promise<readonly string[]>
  /** For a cluster whose nodes run. */
  adopt(ctx: Context, target: Target): Promise<Commands>
  /** Server-side apply of what stands on stdin. */
  apply(target: Target, manager: string): string
  /** Where the engine's controllers are processes. */
  controllers?(ctx: Context, target: Target, names: readonly string[]): Promise<Commands>
  start(ctx: Context, name: string): Promise<Commands>
  stop(ctx: Context, name: string): Promise<Commands>
  remove(ctx: Context, name: string, kubeconfig: string): Promise<Commands>
}
