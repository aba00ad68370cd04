import type { Context } from '../base/context.ts'
import { registryName } from '../base/names.ts'
import { execIn } from '../tools/docker.ts'

/**
 * What tells containerd that `localhost:PORT` is the registry beside the cluster. As the server, too: else an image that is not there is
 * looked for at https://localhost:PORT of the node, and that nobody listens there is all that is told.
 */
export const hostsToml = async (cluster: string): Promise<string> => {
  const { default: toml } = await import('@iarna/toml')
  const server = `http://${registryName(cluster)}:5000`
  return toml.stringify({ server, host: { [server]: { capabilities: ['pull', 'resolve'] } } })
}

/** Writes what stands on stdin into the folder of a registry, whole or not at all. */
export const TRUST = 'mkdir -p "$1" && cat > "$1/.hosts.toml" && mv "$1/.hosts.toml" "$1/hosts.toml"'

/** Lets pods use images as `localhost:PORT/name`: writes hosts.toml on every node, which containerd reads without a restart. */
export const trustRegistry = async (
  ctx: Context,
  nodes: readonly string[],
  { cluster, port }: { readonly cluster: string; readonly port: number },
): Promise<void> => {
  const input = await hostsToml(cluster)
  await Promise.all(
    nodes.map((node) => execIn(ctx, node, ['sh', '-c', TRUST, 'sh', `/etc/containerd/certs.d/localhost:${port}`], { input })),
  )
}
