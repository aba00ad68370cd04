import { flagsOf, settings } from '../../config/settings.ts'
import type { Flags } from '../command.ts'

/** Which project and which of its clusters. */
export const project = {
  config: { type: 'string', value: 'FILE', variable: 'KSAIL_CONFIG', summary: 'configuration file' },
  name: { type: 'string', short: 'n', value: 'NAME', variable: 'KSAIL_CLUSTER_NAME', summary: 'name of the cluster' },
} as const satisfies Flags

/** What a cluster is made of. */
export const cluster = flagsOf(
  settings.distribution,
  settings.provider,
  settings.engine,
  settings.localRegistry,
  settings.sourceDirectory,
  settings.kustomizationFile,
  settings.controlPlanes,
  settings.workers,
  settings.nodeImage,
  settings.registryImage,
  settings.kubernetesVersion,
  settings.distributionConfig,
  settings.fluxProfile,
)

/** How a cluster is reached. */
export const connection = flagsOf(settings.kubeconfig, settings.context)

export const timeout = flagsOf(settings.timeout)

/** Nothing is done. */
export const dryRun = { dryRun: { type: 'boolean', summary: 'say with which commands; change nothing' } } as const satisfies Flags

/** How a cluster goes. */
export const removal = {
  yes: { type: 'boolean', short: 'y', summary: 'do not ask' },
  keepStorage: { type: 'boolean', summary: "keep the registry's volume" },
  ...dryRun,
  adopt: { type: 'boolean', summary: 'remove what belongs to another project, too' },
} as const satisfies Flags
