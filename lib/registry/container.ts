import { KsailError } from '../base/errors.ts'
import type { Context } from '../base/context.ts'
import { LABELS, registryName } from '../base/names.ts'
import { isPortFree, refuseBarred } from '../io/ports.ts'
import * as docker from '../tools/docker.ts'
import { chooseRegistry } from './choose.ts'
import { isNameClash, isPortClash, labelsOf, portTaken, runRegistry } from './make.ts'
import { foreign, ownerOf, ownsContainer, ownsVolume, type Owner } from './owner.ts'
import { waitForRegistry } from './ready.ts'

/** Where the registry in the container listens. */
export const INSIDE = '5000/tcp'

/** Host port of a registry container: the published one while it runs, else the one on its label. */
export const registryPort = (container: docker.Container): number | undefined => {
  const port = container.ports[INSIDE] ?? Number(container.labels[LABELS.port])
  return Number.isInteger(port) && port > 0 ? port : undefined
}

const candidates = async (ctx: Context, cluster: string): Promise<readonly docker.Container[]> => {
  const [labelled, named] = await Promise.all([
    docker.list(ctx, `label=${LABELS.cluster}=${cluster}`, `label=${LABELS.role}=registry`),
    docker.inspect(ctx, [registryName(cluster)]),
  ])
  return [...labelled, ...named.filter(({ id }) => !labelled.some((it) => it.id === id))]
}

/**
 * The running registry container of this cluster, never that of another: by label, else by exact name. A stopped one and two of them are errors.
 *
 * @example
 * const container = await findRegistry(ctx, 'dev')
 */
export const findRegistry = async (ctx: Context, cluster: string): Promise<docker.Container | undefined> =>
  chooseRegistry(await candidates(ctx, cluster), cluster)

export interface EnsureRegistry {
  readonly cluster: string
  readonly owner: Owner
  readonly image: string
  /** Port that the user named: taken is an error. */
  readonly port?: number | undefined
  /** Port that this cluster had before. */
  readonly recorded?: number | undefined
  /** Takes over what belongs to another project. */
  readonly adopt?: boolean | undefined
  readonly isFree?: (port: number) => Promise<boolean>
}

export interface EnsuredRegistry {
  readonly port: number
  /** Name of the container. */
  readonly container: string
  readonly created: boolean
  /** What was taken over: belongs into the record. */
  readonly adopted: readonly string[]
}

type Made = (undo: () => Promise<void>) => void

const ensureVolume = async (ctx: Context, { cluster, owner, adopt }: EnsureRegistry, made: Made): Promise<readonly string[]> => {
  const name = registryName(cluster)
  const labels = await docker.volumeLabels(ctx, name)
  if (labels === undefined) {
    made(() => docker.removeVolume(ctx.cleanup(), name))
    await docker.createVolume(ctx, name, labelsOf(cluster, owner))
    return []
  }
  if (ownsVolume(owner, name, labels)) return []
  if (adopt !== true) throw foreign(`volume ${name}`, ownerOf(labels))
  return [name]
}

/** Starts a stopped container; false when its port was taken meanwhile. */
const restart = async (ctx: Context, container: docker.Container): Promise<boolean> => {
  try {
    await docker.startContainers(ctx, [container.name])
    return true
  } catch (error) {
    if (isPortClash(error)) return false
    throw error
  }
}

/** Why the container that is there has to be made again, as words; undefined: it is used as it is. */
export const whyAgain = async (
  found: docker.Container,
  { image, port, isFree = isPortFree }: Pick<EnsureRegistry, 'image' | 'port' | 'isFree'>,
  taken: boolean,
): Promise<string | undefined> => {
  const has = registryPort(found)
  const moves = port !== undefined && has !== port
  if (moves && !(await isFree(port))) throw portTaken(port)
  if (moves) refuseBarred(port)
  return moves ? `port ${has} → ${port}` : found.image !== image && !taken ? `image ${found.image} → ${image}` : undefined
}

/** Uses the container that is there as it is; undefined when it has to be made again. */
const reuse = async (ctx: Context, found: docker.Container, options: EnsureRegistry, taken: boolean): Promise<number | undefined> => {
  const { port } = options
  const why = await whyAgain(found, options, taken)
  if (why !== undefined) {
    ctx.report({ kind: 'note', text: `making registry ${found.name} again, its content stays: ${why}` })
    return undefined
  }
  if (!found.running && !(await restart(ctx, found))) {
    if (port !== undefined) throw portTaken(port)
    return undefined
  }
  const [now] = await docker.inspect(ctx, [found.name])
  const current = now === undefined ? undefined : registryPort(now)
  if (current === undefined && taken)
    throw new KsailError('conflict', `container ${found.name} publishes no port of a registry`, {
      hint: `remove it with docker rm -f ${found.name}`,
    })
  return current
}

/**
 * The registry of a cluster, running and answering: found, started or made, with its volume. What belongs to another project is `conflict`
 * and stays as it is, unless `adopt`. `made` is told the way back of what this call made.
 *
 * @example
 * const { port } = await ensureRegistry(ctx, { cluster: 'dev', owner: record, image: 'registry:3' }, made)
 */
export const ensureRegistry = async (ctx: Context, options: EnsureRegistry, made: Made = () => undefined): Promise<EnsuredRegistry> => {
  const { cluster, owner, adopt } = options
  const name = registryName(cluster)
  const [found] = await docker.inspect(ctx, [name])
  const taken = found !== undefined && !ownsContainer(owner, found)
  if (taken && adopt !== true) throw foreign(`container ${name}`, ownerOf(found.labels))
  const adopted = taken ? [found.id] : []
  if (found !== undefined) {
    const port = await reuse(ctx, found, options, taken || (owner.adopted ?? []).includes(found.id))
    if (port !== undefined) {
      await waitForRegistry(ctx, name, port)
      return { port, container: name, created: false, adopted }
    }
    await docker.removeContainers(ctx, [name])
  }
  adopted.push(...(await ensureVolume(ctx, options, made)))
  // one that was there before and is made again stays whatever happens to the rest
  const undo = async (): Promise<void> => {
    const calm = ctx.cleanup()
    const [mine] = await docker.inspect(calm, [name])
    if (mine !== undefined && ownsContainer(owner, mine)) await docker.removeContainers(calm, [name])
  }
  if (found === undefined) made(undo)
  let port: number
  try {
    port = await runRegistry(ctx, { ...options, recorded: options.recorded ?? (found && registryPort(found)) })
  } catch (error) {
    if (!isNameClash(error)) throw error
    return ensureRegistry(ctx, options, made)
  }
  await waitForRegistry(ctx, name, port)
  return { port, container: name, created: true, adopted: adopted.filter((it) => it !== found?.id) }
}

/** Removes the registry container of this project and, unless `keepStorage`, its volume. Says what it removed; what belongs to others stays. */
export const removeRegistry = async (
  ctx: Context,
  { cluster, owner, keepStorage = false }: { readonly cluster: string; readonly owner: Owner; readonly keepStorage?: boolean | undefined },
): Promise<readonly string[]> => {
  const name = registryName(cluster)
  const removed: string[] = []
  const [found] = await docker.inspect(ctx, [name])
  if (found !== undefined && ownsContainer(owner, found)) {
    await docker.removeContainers(ctx, [found.id])
    removed.push(`container ${name}`)
  }
  if (keepStorage) return removed
  const labels = await docker.volumeLabels(ctx, name)
  if (labels !== undefined && ownsVolume(owner, name, labels)) {
    await docker.removeVolume(ctx, name)
    removed.push(`volume ${name}`)
  }
  return removed
}
