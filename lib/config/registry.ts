import { realpath } from 'node:fs/promises'
import { isKsailError, KsailError } from '../base/errors.ts'
import { registryName } from '../base/names.ts'
import type { Context } from '../base/context.ts'
import { exists } from '../io/files.ts'
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

/** A cluster that is configured but far away may not keep a push waiting: there are other places to look. */
const PATIENCE = 10_000

const sourcesOf = ({ project: { target } }: RegistryRequest, ctx: Context): Sources => {
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
  return sourcesOver(target, ctx, inspect)
}

const sourcesOver = (
  target: RegistryRequest['project']['target'],
  ctx: Context,
  inspect: (name: string) => Promise<LocalRegistry | undefined>,
): Sources => ({
  cluster: async () => {
    if (!(await exists(target.kubeconfig))) throw new KsailError('unreachable', `there is no kubeconfig ${target.kubeconfig}`)
    // what such a cluster reads is most often the container beside it: its port is looked up while the cluster answers
    if (hasContainers(target.provider)) void inspect(registryName(target.name))
    // a push to a registry that is configured never comes here
    const { clusterSource } = await import('../engines/index.ts')
    const why = new KsailError('unreachable', `cluster ${target.name} did not answer within ${PATIENCE / 1000} s`)
    let limit: NodeJS.Timeout | undefined
    const late = new Promise<never>((_resolve, reject) => void (limit = setTimeout(() => reject(why), PATIENCE)))
    try {
      // the context as it is, so that the connection is the one that the verb shares
      return await Promise.race([clusterSource(ctx, target, { secret: true }), late])
    } catch (error) {
      // who may not ask is told nothing: the next place follows
      if (isKsailError(error, 'auth')) throw new KsailError('unreachable', error.message, { hint: error.hint, cause: error })
      throw error
    } finally {
      clearTimeout(limit)
    }
  },
  registry: async () => {
    if (hasProcesses(target.provider)) return processOf(ctx, target.name)
    const found = await findRegistry(ctx, target.name)
    return found === undefined ? undefined : localOf(found)
  },
  container: inspect,
  dockerHost: () => docker.engineHost(ctx),
})

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
  const owner = record === undefined || record.project === target.project ? undefined : await otherOwner(record.project, target.project)
  // who names a registry knows where it goes; who asks the cluster should know whose that is
  return owner === undefined || !/^(cluster|docker|host)/.test(destination.registryFrom)
    ? destination
    : {
        ...destination,
        warnings: [...destination.warnings, `cluster ${target.name} belongs to the project in ${owner}: it runs what is pushed from here`],
      }
}

/** The folder of another project; undefined when both are the same place under two names. */
const otherOwner = async (recorded: string, project: string): Promise<string | undefined> => {
  const [theirs, ours] = await Promise.all([recorded, project].map((path) => realpath(path).catch(() => path)))
  return theirs === ours ? undefined : recorded
}
