import { Chain } from '../base/chain.ts'
import { isKsailError, KsailError } from '../base/errors.ts'
import type { Context } from '../base/context.ts'
import { repositoryName } from '../base/names.ts'
import { hostPort, isLoopback, parseClusterUrl, parseReference, usesPlainHttp, type Reference } from '../base/reference.ts'
import { hasProcesses } from '../providers/index.ts'
import { reachFromHere, type HostSources, type LocalRegistry } from './host.ts'
import { namedRegistry, tagOf, type Project } from './project.ts'
import type { TagSource } from './tag.ts'

/** The step that decided: `argument`, `flag`, `env`, `config`, `cluster:<kind of the resource>`, `docker` or `host`. */
export type RegistrySource = 'argument' | 'flag' | 'env' | 'config' | 'docker' | 'host' | `cluster:${string}`

/** Where artifacts of a project go, and who said so. */
export interface Destination {
  /** With a tag. */
  readonly reference: Reference & { readonly tag: string }
  /** Credentials of the setting that won; empty when it names none. */
  readonly username: string
  readonly password: string
  readonly external: boolean
  readonly plainHttp: boolean
  readonly registryFrom: RegistrySource
  readonly tagFrom: TagSource
  /** What the user should know, as sentences. */
  readonly warnings: readonly string[]
}

export interface Sources extends HostSources {
  /** What the engine of the cluster reads; throws `unreachable` when there is nobody to ask. */
  cluster(): Promise<
    | { readonly url: string; readonly tag?: string | undefined; readonly resource: string; readonly secret?: ClusterSecret | undefined }
    | undefined
  >
  /** The running registry beside this cluster. */
  registry(): Promise<LocalRegistry | undefined>
  /** The same as it was recorded when the cluster was made: costs nothing, but may be out of date. */
  recorded?(): LocalRegistry | undefined
}

interface ClusterSecret {
  readonly host: string
  readonly username: string
  readonly password: string
}

export interface RegistryRequest {
  /** An oci:// reference, which is authoritative. */
  readonly ref?: string | undefined
  readonly project: Project
  readonly options?: {
    /** Speaks plain HTTP to a host that is not loopback. */
    readonly plainHttp?: boolean | undefined
  }
  /** What the engine of the cluster reads, as far as somebody asked it; throws `unreachable` when it could not be. */
  readonly cluster?: Sources['cluster'] | undefined
}

interface Hit {
  readonly where: Pick<Reference, 'host' | 'port' | 'repository' | 'tag'>
  readonly username?: string
  readonly password?: string
  readonly from: RegistrySource
}

interface Input {
  readonly request: RegistryRequest
  readonly sources: Sources
  readonly ctx: Context
}

const setting = ({ request, ctx }: Input, name: 'registry' | 'localRegistry'): Hit | undefined => {
  const named = namedRegistry(request.project, name, ctx)
  if (named === undefined) return undefined
  const { registry, from } = named
  return { where: registry, username: registry.username, password: registry.password, from }
}

const fromCluster = async ({ request, sources }: Input, miss: (why: string) => undefined): Promise<Hit | undefined> => {
  const source = await sources.cluster()
  if (source === undefined) return miss('the cluster reads no registry')
  const url = parseClusterUrl(source.url)
  const { host, port } = await reachFromHere(url, request.project.target.name, sources)
  // a login belongs to one host: it never goes to another
  const secret = source.secret?.host === hostPort(url) ? source.secret : undefined
  return { where: { host, port, repository: url.repository, tag: source.tag }, ...secret, from: `cluster:${source.resource.split('/')[0]}` }
}

const besideCluster = async ({ request, sources }: Input, miss: (why: string) => undefined): Promise<Hit | undefined> => {
  const { name, provider } = request.project.target
  const found = await sources.registry()
  if (hasProcesses(provider)) {
    if (found === undefined) return miss(`no registry process of cluster "${name}"`)
    return { where: { host: '127.0.0.1', port: found.port, repository: '', tag: undefined }, from: 'host' }
  }
  if (found === undefined) return miss(`no registry container of cluster "${name}"`)
  if (found.port === undefined) return miss(`container ${found.name} publishes no port of a registry`)
  return { where: { host: await sources.dockerHost(), port: found.port, repository: '', tag: undefined }, from: 'docker' }
}

/** Whether the user says where it goes: nobody else is asked then. */
export const isNamed = ({ ref = '', project }: Pick<RegistryRequest, 'ref' | 'project'>, ctx: Context): boolean =>
  ref.trim() !== '' || (['registry', 'localRegistry'] as const).some((name) => namedRegistry(project, name, ctx) !== undefined)

/** The places where a registry may be named, in order. */
export const registryChain = new Chain<Input, Hit>(
  'registry',
  'pass oci://host/repository or --registry, or create a cluster with ksail cluster create',
  [
    {
      name: 'the oci:// reference on the command line',
      find: ({ request }) => {
        const where = parseReference(request.ref ?? '', 'push')
        return where === undefined ? undefined : { where, from: 'argument' }
      },
    },
    { name: '--registry or KSAIL_REGISTRY', find: (input) => setting(input, 'registry') },
    { name: 'spec.cluster.localRegistry', find: (input) => setting(input, 'localRegistry') },
    { name: 'the GitOps source in the cluster', find: fromCluster },
    { name: 'the registry beside the cluster', find: besideCluster },
  ],
)

/** A configured port on this machine that is not the one of the cluster's registry is used as it is, but people should know. */
const portWarning = async ({ where, from }: Hit, { request, sources }: Input): Promise<readonly string[]> => {
  if (!['flag', 'env', 'config'].includes(from) || !isLoopback(where.host)) return []
  try {
    const running = sources.recorded?.() ?? (await sources.registry())
    if (running?.port === undefined || running.port === where.port) return []
    return [
      `${hostPort(where)} is configured, but the registry of cluster "${request.project.target.name}" (${running.name}) listens on port ${running.port}`,
    ]
  } catch (error) {
    // the port is known without Docker; who cannot be asked has nothing to add
    if (isKsailError(error, 'interrupted', 'terminated')) throw error
    return []
  }
}

/** The chain over given sources. */
export const resolveRegistry = async (request: RegistryRequest, sources: Sources, ctx: Context): Promise<Destination> => {
  const input: Input = { request, sources, ctx }
  const { value: hit } = await registryChain.resolve(input, { expected: sources.recorded?.() !== undefined })
  const { project } = request
  const { where, username = '', password = '' } = hit
  const argument = hit.from === 'argument'
  const { tag, from: tagFrom } = tagOf(project, argument ? { argument: where.tag } : { registry: where.tag })
  const repository = where.repository || repositoryName(project.directory, project.config.sourceDirectory)
  const external = !isLoopback(where.host)
  const plainHttp = usesPlainHttp(where.host, request.options?.plainHttp === true)
  if (plainHttp && external && password !== '')
    throw new KsailError('refused', `credentials for ${hostPort(where)} would travel in clear`, {
      hint: 'leave --plain-http away, or use a registry without a login',
    })
  return {
    reference: { host: where.host, port: where.port, repository, tag, digest: undefined },
    username,
    password,
    external,
    plainHttp,
    registryFrom: hit.from,
    tagFrom,
    warnings: await portWarning(hit, input),
  }
}

/** Who decided, for people: `--registry`, `spec.cluster.localRegistry in ksail.yaml`, `the cluster's OCIRepository`. */
export const describeSource = (from: RegistrySource, { origin }: Pick<Project, 'origin'>): string => {
  if (from.startsWith('cluster:')) return `the cluster's ${from.slice('cluster:'.length)}`
  if (from === 'argument') return 'the argument'
  if (from === 'docker' || from === 'host') return "the cluster's own registry"
  return origin.registry === 'default' ? origin.localRegistry : origin.registry
}
