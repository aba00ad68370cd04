import { registryName } from '../base/names.ts'
import type { Context } from '../base/context.ts'
import { isSamePlace } from '../io/files.ts'
import { hasContainers, hasProcesses } from '../providers/index.ts'
import { readRecord } from '../providers/record.ts'
import { registryStopped } from '../registry/choose.ts'
import { findRegistry, registryPort } from '../registry/container.ts'
import * as docker from '../tools/docker.ts'
import type { LocalRegistry } from './host.ts'
import { resolveRegistry, type Destination, type RegistryRequest, type Sources } from './registry-chain.ts'

export type { Destination }

const localOf = (container: docker.Container): LocalRegistry => ({
  name: container.name,
  running: container.running,
  port: registryPort(container),
  addresses: Object.values(container.networks),
})

/** The registry process of a cluster. */
const processOf = async (ctx: Context, cluster: string): Promise<LocalRegistry | undefined> => {
  const { findHostRegistry } = await import('../providers/host/registry.ts')
  const found = await findHostRegistry(ctx, cluster)
  const name = registryName(cluster)
  // what a deleted registry left for the next one is none
  if (found?.port === undefined) return undefined
  if (!found.running) throw registryStopped(name, cluster)
  return { name, running: true, port: found.port, addresses: [] }
}

const sourcesOf = ({ project: { target }, cluster }: RegistryRequest, ctx: Context): Sources => {
  const inspected = new Map<string, Promise<LocalRegistry | undefined>>()
  const inspect = (name: string): Promise<LocalRegistry | undefined> => {
    const known = inspected.get(name)
    if (known !== undefined) return known
    const found = docker.inspect(ctx, [name]).then(([container]) => (container === undefined ? undefined : localOf(container)))
    // who needs it awaits it
    found.catch(() => undefined)
    inspected.set(name, found)
    return found
  }
  return {
    cluster: async () => {
      // what such a cluster reads is most often the container beside it: its port is looked up while the cluster answers
      if (cluster !== undefined && hasContainers(target.provider)) void inspect(registryName(target.name))
      return cluster?.()
    },
    registry: async () => {
      if (hasProcesses(target.provider)) return processOf(ctx, target.name)
      const found = await findRegistry(ctx, target.name)
      return found === undefined ? undefined : localOf(found)
    },
    container: inspect,
    dockerHost: () => docker.engineHost(ctx),
  }
}

/**
 * Where a push goes: the oci:// argument, else --registry, else spec.cluster.localRegistry, else what the cluster reads, else its registry container;
 * with the tag of the tag chain. Throws `unresolved`, listing every place and why it had nothing.
 *
 * @example
 * const { reference } = await resolveDestination({ ref: 'oci://ghcr.io/org/app', project: await loadProject({}, ctx) }, ctx)
 */
export const resolveDestination = async (request: RegistryRequest, ctx: Context): Promise<Destination> => {
  const sources = sourcesOf(request, ctx)
  const { target } = request.project
  const record = await readRecord(ctx, target.name)
  // a configured port is compared with the recorded one, which costs no start of docker
  const known =
    record?.project === target.project && record.port !== undefined
      ? { name: registryName(target.name), running: true, port: record.port, addresses: [] }
      : undefined
  const destination = await resolveRegistry(request, { ...sources, recorded: () => known }, ctx)
  // who names a registry knows where it goes; who asks the cluster should know whose that is
  if (record === undefined || !/^(cluster|docker|host)/.test(destination.registryFrom)) return destination
  if (await isSamePlace(record.project, target.project)) return destination
  const text = `cluster ${target.name} belongs to the project in ${record.project}: it runs what is pushed from here`
  return { ...destination, warnings: [...destination.warnings, text] }
}
