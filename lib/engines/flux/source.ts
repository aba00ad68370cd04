import { registryName } from '../../base/names.ts'
import type { KubeObject } from '../../base/object.ts'
import { hostPort, isLoopback, parseClusterUrl } from '../../base/reference.ts'
import type { Registry } from '../../base/target.ts'
import { lookUpLogin, type DockerConfig } from '../../registry/docker-config.ts'
import { KubeError } from '../../tools/kube-failure.ts'
import type { Kube } from '../../tools/kube.ts'
import { collection } from '../../tools/kube-paths.ts'
import type { ClusterSource, SourceOptions, SyncOptions } from '../engine.ts'

interface Ref {
  readonly tag?: string | undefined
  readonly digest?: string | undefined
}

export const SYSTEM = 'flux-system'

/** Name of the Secret that holds what the cluster pulls artifacts with. */
const PULL_SECRET = 'ksail-registry-credentials'

/** Path of the OCIRepository that ksail configures. */
export const sourcePath = `${collection('source.toolkit.fluxcd.io/v1', 'ocirepositories', SYSTEM)}/${SYSTEM}`

/** Marks a Secret that may pull and nothing else, as the one that create makes: who pushes must not take it for a login. */
const PULL_ONLY = ['ksail.io/credentials', 'pull'] as const

type Secret = KubeObject & { readonly data?: Readonly<Record<string, string>> }

/** The login for the registry of a URL in a pull secret. None where it is marked as pull-only, or may not be read. */
const readLogin = async (kube: Kube, name: string, url: string): Promise<ClusterSource['secret']> => {
  let secret: Secret | undefined
  try {
    secret = await kube.get<Secret>(`${collection('v1', 'secrets', SYSTEM)}/${name}`)
  } catch (error) {
    // who may not read Secrets has no login here: what follows in the chain is tried
    if (error instanceof KubeError && error.status === 403) return undefined
    throw error
  }
  const text = secret?.data?.['.dockerconfigjson']
  if (text === undefined || secret?.metadata.labels?.[PULL_ONLY[0]] === PULL_ONLY[1]) return undefined
  const host = hostPort(parseClusterUrl(url))
  let config: DockerConfig
  try {
    config = JSON.parse(Buffer.from(text, 'base64').toString('utf8')) as DockerConfig
  } catch {
    // what Flux cannot read either is no login
    return undefined
  }
  const login = await lookUpLogin(config, host, async () => undefined)
  return login !== undefined && 'password' in login ? { host, ...login } : undefined
}

interface Sync {
  readonly kind?: string | undefined
  readonly url?: string | undefined
  readonly ref?: string | undefined
  readonly pullSecret?: string | undefined
}

interface Repository {
  readonly url: string
  readonly ref?: Ref | undefined
  readonly secretRef?: { readonly name: string } | undefined
}

/** What the cluster reads: the FluxInstance `flux-system/flux` when there is one, else the OCIRepository `flux-system/flux-system`. */
export const readSource = async (kube: Kube, { secret = false }: SourceOptions = {}): Promise<ClusterSource | undefined> => {
  const [instance, repository] = await Promise.all([
    kube.get<KubeObject<{ sync?: Sync }>>(`${collection('fluxcd.controlplane.io/v1', 'fluxinstances', SYSTEM)}/flux`),
    kube.get<KubeObject<Repository, { artifact?: { revision?: string } }>>(sourcePath),
  ])
  const revision = repository?.status?.artifact?.revision
  const login = async (name: string | undefined, url: string): Promise<Pick<ClusterSource, 'secret'>> =>
    secret && name !== undefined ? { secret: await readLogin(kube, name, url) } : {}
  const sync = instance?.spec?.sync
  if (sync?.url !== undefined && (sync.kind ?? 'OCIRepository') === 'OCIRepository') {
    const { url, ref, pullSecret } = sync
    return { url, tag: ref, digest: undefined, revision, resource: `FluxInstance/${SYSTEM}/flux`, ...(await login(pullSecret, url)) }
  }
  const spec = repository?.spec
  if (spec === undefined) return undefined
  const { url, ref, secretRef } = spec
  return {
    url,
    tag: ref?.tag,
    digest: ref?.digest,
    revision,
    resource: `OCIRepository/${SYSTEM}/${SYSTEM}`,
    ...(await login(secretRef?.name, url)),
  }
}

type Place = Pick<Registry, 'host' | 'port' | 'repository' | 'username' | 'password'> & { readonly tag: string }

/** A registry as the cluster reaches it: loopback of this machine is the registry container there. */
export const sourceFor = (cluster: string, { host, port, repository, tag, username, password }: Place): SyncOptions => {
  if (isLoopback(host)) return { url: `oci://${registryName(cluster)}:5000/${repository}`, tag, insecure: true, pullSecret: undefined }
  const known = username !== '' && password !== ''
  return { url: `oci://${hostPort({ host, port })}/${repository}`, tag, insecure: false, pullSecret: known ? PULL_SECRET : undefined }
}
