import type { Context } from '../base/context.ts'
import type { Target } from '../base/target.ts'
import { connect } from '../tools/kube.ts'

interface Deployment {
  readonly metadata: { readonly name: string }
  readonly status?: { readonly availableReplicas?: number }
}

/**
 * Whether everything that create applies is in the cluster already: the owner notice names this project and these manifests, and the
 * controllers run. Any doubt is a no: applying again is harmless.
 */
export const isComplete = async (ctx: Context, target: Target, { id, applied, deployments }: { readonly id: string; readonly applied: string; readonly deployments: readonly string[] }): Promise<boolean> => {
  const kube = await connect(ctx, target)
  try {
    const [notice, listed] = await Promise.all([
      kube.get<{ data?: Record<string, string> }>('/api/v1/namespaces/kube-system/configmaps/ksail'),
      kube.get<{ items: readonly Deployment[] }>('/apis/apps/v1/namespaces/flux-system/deployments'),
    ])
    const available = new Set((listed?.items ?? []).filter(({ status }) => (status?.availableReplicas ?? 0) > 0).map(({ metadata }) => metadata.name))
    return notice?.data?.['project'] === id && notice.data['applied'] === applied && deployments.every((name) => available.has(name))
  } finally {
    await kube.close()
  }
}
