import { isKsailError } from '../base/errors.ts'
import { hasContextNamed } from '../io/kubeconfig.ts'
import { isComplete } from './existing.ts'
import type { Survey } from './ownership.ts'
import { manifestsOf, type Manifested } from './manifests.ts'

interface Options {
  /** Writes no kubeconfig and waits for nobody: what cannot be asked is not there. */
  readonly dryRun?: boolean
}

/** Whether a cluster whose nodes run has everything that create gives it. */
export const nothingLeft = async (
  base: Manifested,
  { registryRunning, container }: Pick<Survey, 'registryRunning' | 'container'>,
  { dryRun = false }: Options = {},
): Promise<boolean> => {
  const { ctx, target, runtime, components, record, sync } = base
  const local = target.registry === undefined
  // where the engine names a port, only a registry that runs still has it; Docker itself may choose that of a container at each start
  const named = runtime.registry.url(target.name, 1) !== runtime.registry.url(target.name, 2)
  if (local && !registryRunning && (named || container?.wanders === true)) return false
  if (!dryRun) {
    const connected = await runtime.connect(ctx, target).then(
      () => true,
      (error: unknown) => {
        // nobody knows where the API is: making it again finds out
        if (!isKsailError(error, 'unreachable')) throw error
        return false
      },
    )
    if (!connected) return false
  } else if (!(await hasContextNamed(target.kubeconfig, target.context))) return false
  const processes = runtime.controllers.as === 'processes' ? runtime.controllers : undefined
  if (processes !== undefined && !(await processes.run(ctx, target.name, components))) return false
  const { applied } = await manifestsOf(base, local ? (container?.port ?? record.port) : undefined)
  try {
    return await isComplete(ctx, target, {
      id: record.id,
      applied,
      deployments: processes === undefined ? components : [],
      pullSecret: sync.pullSecret,
    })
  } catch (error) {
    if (!isKsailError(error, 'unreachable')) throw error
    if (!dryRun) await runtime.ready(ctx, target, target)
    return false
  }
}
