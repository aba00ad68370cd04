import type { Context } from '../base/context.ts'
import { isKsailError, KsailError } from '../base/errors.ts'
import { registryName } from '../base/names.ts'
import { ensureRegistry, INSIDE, registryPort, removeRegistry } from '../registry/container.ts'
import { trustRegistry } from '../registry/nodes.ts'
import { waitForRegistry } from '../registry/ready.ts'
import * as docker from '../tools/docker.ts'
import { containerPreview } from './container-preview.ts'
import type { RegistryRuntime } from './distribution.ts'

/** The network on which kind puts its nodes. */
const NETWORK = 'kind'

const inspect = async (ctx: Context, cluster: string): Promise<docker.Container | undefined> =>
  (await docker.inspect(ctx, [registryName(cluster)]))[0]

/** While it was stopped another program may have taken its port: `create` is what moves it to a free one. */
const startContainer = async (ctx: Context, name: string): Promise<void> => {
  try {
    await docker.startContainers(ctx, [name])
  } catch (error) {
    if (!isKsailError(error, 'conflict')) throw error
    throw new KsailError('conflict', `another program has taken the port of registry ${name}`, {
      cause: error,
      details: error.details,
      hint: 'free the port, or run ksail cluster create, which moves the registry to a free one',
    })
  }
}

/** The registry as a container on the network of the nodes. */
export const containerRegistry: RegistryRuntime = {
  noun: 'container',
  storageNoun: 'volume',
  preview: containerPreview(NETWORK),
  find: async (ctx, cluster) => {
    const found = await inspect(ctx, cluster)
    if (found === undefined) return undefined
    const { id, name, labels, running, status } = found
    return { id, name, labels, running, status, port: registryPort(found), wanders: found.wandering.includes(INSIDE) }
  },
  storage: (ctx, cluster) => docker.volumeLabels(ctx, registryName(cluster)),
  ensure: ensureRegistry,
  url: (cluster) => `oci://${registryName(cluster)}:5000`,
  links: [
    {
      title: `registry on the network ${NETWORK}`,
      do: async (ctx, cluster) => {
        const before = await inspect(ctx, cluster)
        if (before?.networks[NETWORK] !== undefined) return undefined
        await docker.connectNetwork(ctx, NETWORK, registryName(cluster))
        if (before?.wandering.includes(INSIDE) !== true) return undefined
        // Docker publishes a container again when a network comes, and a port that is its choice is another one then
        const now = await inspect(ctx, cluster)
        const port = now && registryPort(now)
        if (port !== undefined) await waitForRegistry(ctx, registryName(cluster), port)
        return port
      },
    },
    {
      title: 'nodes trust localhost registry',
      do: async (ctx, cluster, port, nodes) => void (await trustRegistry(ctx, nodes, { cluster, port })),
    },
  ],
  start: async (ctx, cluster) => {
    if ((await inspect(ctx, cluster))?.running !== true) await startContainer(ctx, registryName(cluster))
    const now = await inspect(ctx, cluster)
    const port = now === undefined ? undefined : registryPort(now)
    if (port !== undefined) await waitForRegistry(ctx, registryName(cluster), port)
    return port
  },
  stop: (ctx, cluster) => docker.stopContainers(ctx, [registryName(cluster)]),
  remove: async (ctx, options) => void (await removeRegistry(ctx, options)),
}
