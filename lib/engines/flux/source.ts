import { registryName } from '../../base/names.ts'
import type { KubeObject } from '../../base/object.ts'
import { hostPort, isLoopback } from '../../base/reference.ts'
import type { Registry } from '../../base/target.ts'
import type { Kube } from '../../tools/kube.ts'
import { collection } from '../../tools/kube-paths.ts'
import type { ClusterSource, SyncOptions } from '../engine.ts'

interface Ref {
  readonly tag?: string | undefined
  readonly digest?: string | undefined
}

export const SYSTEM = 'flux-system'

/** Name of the Secret that holds what the cluster pulls artifacts with. */
const PULL_SECRET = 'ksail-registry-credentials'

/** Path of the OCIRepository that ksail configures. */
export const sourcePath = `${collection('source.toolkit.fluxcd.io/v1', 'ocirepositories', SYSTEM)}/${SYSTEM}`

/** What the cluster reads: the FluxInstance `flux-system/flux` when there is one, else the OCIRepository `flux-system/flux-system`. */
export const readSource = async (kube: Kube): Promise<ClusterSource | undefined> => {
  const [instance, repository] = await Promise.all([
    kube.get<KubeObject<{ sync?: { url?: string; ref?: string } }>>(`${collection('fluxcd.controlplane.io/v1', 'fluxinstances', SYSTEM)}/flux`),
    kube.get<KubeObject<{ url: string; ref?: Ref }, { artifact?: { revision?: string } }>>(sourcePath),
  ])
  const sync = instance?.spec?.sync
  const revision = repository?.status?.artifact?.revision
  if (sync?.url !== undefined) return { url: sync.url, tag: sync.ref, digest: undefined, revision, resource: `FluxInstance/${SYSTEM}/flux` }
  const spec = repository?.spec
  if (spec === undefined) return undefined
  return { url: spec.url, tag: spec.ref?.tag, digest: spec.ref?.digest, revision, resource: `OCIRepository/${SYSTEM}/${SYSTEM}` }
}

type Place = Pick<Registry, 'host' | 'port' | 'repository' | 'username' | 'password'> & { readonly tag: string }

/** A registry as the cluster reaches it: loopback of this machine is the registry container there. */
export const sourceFor = (cluster: string, { host, port, repository, tag, username, password }: Place): SyncOptions => {
  if (isLoopback(host)) return { url: `oci://${registryName(cluster)}:5000/${repository}`, tag, insecure: true, pullSecret: undefined }
  const known = username !== '' && password !== ''
  return { url: `oci://${hostPort({ host, port })}/${repository}`, tag, insecure: false, pullSecret: known ? PULL_SECRET : undefined }
}
