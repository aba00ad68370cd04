import { KsailError } from '../base/errors.ts'
import type { Context } from '../base/context.ts'
import type { Target } from '../base/target.ts'
import { OWNER_NOTICE } from '../tools/kube-paths.ts'
import { connect } from '../tools/kube.ts'

interface Deployment {
  readonly metadata: { readonly name: string }
  readonly status?: { readonly availableReplicas?: number }
}

interface Wanted {
  readonly id: string
  readonly applied: string
  readonly deployments: readonly string[]
  /** The Docker configuration that the cluster pulls with. */
  readonly pullSecret?: string | undefined
}

interface KubeSecret {
  readonly metadata?: { readonly labels?: Readonly<Record<string, string>> }
  readonly data?: Readonly<Record<string, string>>
}

const PULL_SECRET = '/api/v1/namespaces/flux-system/secrets/ksail-registry-credentials'

/**
 * Whether everything that create applies is in the cluster already: the owner notice names this project and these manifests, the
 * controllers run, and the pull secret holds the credentials of today. Any doubt is a no: applying again is harmless.
 */
export const isComplete = async (ctx: Context, target: Target, { id, applied, deployments, pullSecret }: Wanted): Promise<boolean> => {
  const kube = await connect(ctx, target)
  try {
    const [notice, listed, secret] = await Promise.all([
      kube.get<{ data?: Record<string, string> }>(OWNER_NOTICE),
      kube.get<{ items: readonly Deployment[] }>('/apis/apps/v1/namespaces/flux-system/deployments'),
      pullSecret === undefined ? undefined : kube.get<KubeSecret>(PULL_SECRET),
    ])
    if (secret !== undefined && secret.metadata?.labels?.['app.kubernetes.io/managed-by'] !== 'ksail')
      throw new KsailError('conflict', 'Secret flux-system/ksail-registry-credentials in the cluster was not made by ksail', {
        hint: 'remove it, or give it the label app.kubernetes.io/managed-by=ksail',
      })
    const held = Buffer.from(secret?.data?.['.dockerconfigjson'] ?? '', 'base64').toString('utf8')
    const available = new Set(
      (listed?.items ?? []).filter(({ status }) => (status?.availableReplicas ?? 0) > 0).map(({ metadata }) => metadata.name),
    )
    if (pullSecret !== undefined && held !== pullSecret) return false
    return notice?.data?.['project'] === id && notice.data['applied'] === applied && deployments.every((name) => available.has(name))
  } finally {
    await kube.close()
  }
}
