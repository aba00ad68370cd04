import { isIP } from 'node:net'
import { isKsailError, KsailError } from '../base/errors.ts'
import { registryName } from '../base/names.ts'
import { isLoopback, type Reference } from '../base/reference.ts'
import { registryStopped } from '../registry/choose.ts'

/** A registry container as the chain wants to know it. */
export interface LocalRegistry {
  readonly name: string
  readonly running: boolean
  /** Published port of 5000/tcp. */
  readonly port: number | undefined
  readonly addresses: readonly string[]
}

export interface HostSources {
  /** A container by its exact name; throws `unreachable` or `tool` when Docker cannot be asked. */
  container(name: string): Promise<LocalRegistry | undefined>
  /** The machine on which Docker publishes ports. */
  dockerHost(): Promise<string>
}

interface Reached {
  readonly host: string
  readonly port: number | undefined
  readonly external: boolean
}

/** Where this machine reaches a registry that is named as pods see it. */
export const reachFromHere = async (
  { host, port }: Pick<Reference, 'host' | 'port'>,
  cluster: string,
  sources: HostSources,
): Promise<Reached> => {
  const asItIs = { host, port, external: !isLoopback(host) }
  const address = isIP(host) !== 0
  if (isLoopback(host) || (host.includes('.') && !address)) return asItIs
  const own = registryName(cluster)
  let found: LocalRegistry | undefined
  try {
    found = await sources.container(address ? own : host)
  } catch (error) {
    if (!isKsailError(error, 'unreachable', 'tool')) throw error
    if (address) return asItIs
    throw new KsailError(error.code, `docker cannot be asked where ${host} is: ${error.message}`, {
      reason: 'docker-unreachable',
      hint: error.hint,
      cause: error,
    })
  }
  if (address && found?.addresses.includes(host) !== true) return asItIs
  if (found === undefined) {
    if (host !== own) return asItIs
    throw new KsailError('unresolved', `the cluster reads from ${host}, but there is no such container`, {
      reason: 'registry-missing',
      hint: 'run ksail cluster create, which makes it again',
    })
  }
  if (!found.running) throw registryStopped(found.name, cluster)
  if (found.port === undefined)
    throw new KsailError('unresolved', `container ${found.name} publishes no port of a registry`, {
      reason: 'registry-missing',
      hint: 'run ksail cluster create, which makes it again',
    })
  const machine = await sources.dockerHost()
  return { host: machine, port: found.port, external: !isLoopback(machine) }
}
