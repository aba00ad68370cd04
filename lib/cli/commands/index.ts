import type { AnyCommand } from '../command.ts'
import { clusterCommands } from './cluster.ts'
import { systemCommands } from './system.ts'
import { workloadCommands } from './workload.ts'

/** What the groups are for. */
export const groups: Readonly<Record<string, string>> = {
  cluster: 'Clusters',
  workload: 'What runs on them',
}

/** Every command; help, README and argument errors come from here. */
export const commands: readonly AnyCommand[] = [...systemCommands, ...clusterCommands, ...workloadCommands]
