import { ExecError, KsailError } from '../base/errors.ts'
import type { Context } from '../base/context.ts'
import { LABELS, registryName } from '../base/names.ts'
import { freePort, isPortFree, refuseBarred } from '../io/ports.ts'
import { removeContainers, start } from '../tools/docker.ts'
import type { Owner } from './owner.ts'

const FIRST_PORT = 5050

export const portTaken = (port: number, cause?: unknown): KsailError =>
  new KsailError('conflict', `port ${port} of the local registry is taken`, {
    reason: 'port-taken',
    hint: 'free it, name another one, or leave the port away',
    cause,
  })

export const isPortClash = (error: unknown): error is ExecError =>
  error instanceof ExecError && /port is already allocated|address already in use/i.test(error.result.stderr)

/** A container of that name came to be a moment ago, as when a docker that an earlier, killed run had started is done at last. */
export const isNameClash = (error: unknown): boolean =>
  error instanceof ExecError && /container name .* is already in use/i.test(error.result.stderr)

/** Labels of everything that is made for a cluster's registry. */
export const labelsOf = (cluster: string, owner: Owner): Record<string, string> => ({
  [LABELS.cluster]: cluster,
  [LABELS.role]: 'registry',
  [LABELS.project]: owner.id,
  [LABELS.directory]: owner.project,
})

interface RunOptions {
  readonly cluster: string
  readonly owner: Owner
  readonly image: string
  readonly port?: number | undefined
  readonly recorded?: number | undefined
  readonly isFree?: ((port: number) => Promise<boolean>) | undefined
}

/** What `docker run` is told of a registry on a port. */
export const registryRun = ({ cluster, owner, image }: Pick<RunOptions, 'cluster' | 'owner' | 'image'>, port: number) => {
  const name = registryName(cluster)
  return {
    name,
    image,
    publish: `127.0.0.1:${port}:5000`,
    volume: `${name}:/var/lib/registry`,
    labels: { ...labelsOf(cluster, owner), [LABELS.port]: String(port) },
    env: { REGISTRY_STORAGE_DELETE_ENABLED: 'true', OTEL_TRACES_EXPORTER: 'none', REGISTRY_LOG_LEVEL: 'info' },
    args: ['--restart', 'unless-stopped', '--log-opt', 'max-size=5m', '--log-opt', 'max-file=2'],
  }
}

const noPort = (): KsailError =>
  new KsailError('conflict', `no port from ${FIRST_PORT} upwards is free for the local registry`, { hint: 'free one' })

/** The port that a registry would get now: the named one, else the one it had, else the first free one. A named one that is taken is `conflict`. */
export const choosePort = async ({
  port,
  recorded,
  isFree = isPortFree,
}: Pick<RunOptions, 'port' | 'recorded' | 'isFree'>): Promise<number> => {
  if (port !== undefined && !(await isFree(port))) throw portTaken(port)
  if (port !== undefined) refuseBarred(port)
  const wanted = port ?? recorded ?? FIRST_PORT
  if (port !== undefined || (wanted !== 5000 && (await isFree(wanted)))) return wanted
  const free = await freePort(FIRST_PORT, isFree)
  if (free === undefined) throw noPort()
  return free
}

/** Starts the container on the port that was chosen; returns the port. Who comes first at a port has it: the next one is tried. */
export const runRegistry = async (ctx: Context, { cluster, owner, image, ...options }: RunOptions): Promise<number> => {
  const wanted = options.port ?? options.recorded ?? FIRST_PORT
  let port: number | undefined = await choosePort(options)
  while (port !== undefined) {
    try {
      await start(ctx, registryRun({ cluster, owner, image }, port))
      if (port !== wanted) ctx.report({ kind: 'note', text: `port ${wanted} is taken, so the local registry listens on ${port}` })
      return port
    } catch (error) {
      if (!isPortClash(error)) throw error
      // somebody took the port a moment ago; docker leaves the container that it could not start
      await removeContainers(ctx, [registryName(cluster)])
      if (options.port !== undefined) throw portTaken(port, error)
      port = await freePort(Math.max(FIRST_PORT, port + 1), options.isFree ?? isPortFree)
    }
  }
  throw noPort()
}
