import type { KubeObject } from '../../base/object.ts'
import type { Kube } from '../../tools/kube.ts'
import { collection } from '../../tools/kube-paths.ts'
import type { ClusterSource } from '../engine.ts'

interface Source {
  readonly repoURL?: string | undefined
  readonly targetRevision?: string | undefined
}

/** Where Argo CD would read: its Application `argocd/ksail`, when that reads a registry and not a Git server. */
export const readApplication = async (kube: Kube): Promise<ClusterSource | undefined> => {
  const application = await kube.get<KubeObject<{ source?: Source; sources?: readonly Source[] }>>(
    `${collection('argoproj.io/v1alpha1', 'applications', 'argocd')}/ksail`,
  )
  const { repoURL, targetRevision } = application?.spec?.source ?? application?.spec?.sources?.[0] ?? {}
  if (repoURL === undefined || /^(?!oci:)[a-z]+:\/\/|^git@|\.git$/.test(repoURL)) return undefined
  const isDigest = targetRevision?.startsWith('sha256:') === true
  const tag = isDigest || targetRevision === '' || targetRevision === 'HEAD' ? undefined : targetRevision
  return { url: repoURL, tag, digest: isDigest ? targetRevision : undefined, resource: 'Application/argocd/ksail' }
}
