import type { Context } from '../base/context.ts'
import { LABELS, registryName } from '../base/names.ts'
import {
  ensureHostRegistry,
  findHostRegistry,
  removeHostRegistry,
  stopHostRegistry,
  type HostRegistry,
} from '../providers/host/registry.ts'
import { foreign, ownsContainer } from '../registry/owner.ts'
import type { BesideRegistry } from './beside.ts'
import type { RegistryRuntime } from './distribution.ts'
import { processPreview } from './process-preview.ts'

const beside = (cluster: string, { id, port, running, pid, owner }: HostRegistry): BesideRegistry => ({
  id,
  name: registryName(cluster),
  labels: owner === undefined ? {} : { [LABELS.project]: owner.id, [LABELS.directory]: owner.project },
  running,
  status: pid === undefined ? 'not running' : `running as process ${pid}`,
  port,
})

const find = async (ctx: Context, cluster: string): Promise<BesideRegistry | undefined> => {
  const found = await findHostRegistry(ctx, cluster)
  // what a deleted registry left for the next one is storage, no registry
  return found === undefined || found.port === undefined ? undefined : beside(cluster, found)
}

/** The registry as a process of this user, on the loopback address. */
export const processRegistry: RegistryRuntime = {
  noun: 'process',
  storageNoun: 'storage of',
  preview: processPreview,
  find,
  storage: async (ctx, cluster) => {
    const found = await findHostRegistry(ctx, cluster)
    return found === undefined ? undefined : beside(cluster, found).labels
  },
  ensure: async (ctx, { cluster, owner, port, recorded, adopt, timeout }, made) => {
    const found = await find(ctx, cluster)
    if (found !== undefined && !adopt && !ownsContainer(owner, found))
      throw foreign(`registry ${found.name}`, `the project in ${found.labels[LABELS.directory]}`)
    const kept = (await findHostRegistry(ctx, cluster)) !== undefined
    if (found === undefined) made(async () => void (await removeHostRegistry(ctx.cleanup(), cluster, kept)))
    return { port: (await ensureHostRegistry(ctx, { cluster, owner, port, recorded, timeout })).port, adopted: [] }
  },
  url: (_cluster, port) => `oci://127.0.0.1:${port}`,
  links: [],
  start: async (ctx, cluster, { timeout }) => {
    const found = await findHostRegistry(ctx, cluster)
    return found?.owner === undefined
      ? undefined
      : (await ensureHostRegistry(ctx, { cluster, owner: found.owner, recorded: found.port, timeout })).port
  },
  stop: stopHostRegistry,
  remove: async (ctx, { cluster, keepStorage }) => void (await removeHostRegistry(ctx, cluster, keepStorage)),
}
