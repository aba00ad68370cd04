import type { Context } from '../base/context.ts'
import { KsailError } from '../base/errors.ts'
import type { KubeObject } from '../base/object.ts'
import type { Project } from '../config/project.ts'
import { isSamePlace } from '../io/files.ts'
import { readRecord } from '../providers/record.ts'
import { KubeError } from '../tools/kube-failure.ts'
import { OWNER_NOTICE } from '../tools/kube-paths.ts'
import type { Kube } from '../tools/kube.ts'

type Notice = KubeObject & { readonly data?: { readonly project?: string; readonly directory?: string } }

/** What create says in a cluster; who may not read it knows nothing, like of one that ksail did not make. */
const noticeOf = async (kube: Kube): Promise<Notice['data']> => {
  try {
    return (await kube.get<Notice>(OWNER_NOTICE))?.data
  } catch (error) {
    if (error instanceof KubeError && error.status === 403) return undefined
    throw error
  }
}

/**
 * Throws `conflict` when the context leads to a cluster that ksail made for another project, as that of a kubeconfig from a backup or from
 * somebody else may. A cluster that is not ksail's is what the user says it is, and so is one without a record whose context the user names.
 */
export const refuseOthers = async (ctx: Context, { target, directory, origin }: Project, kube: Kube): Promise<void> => {
  const [notice, record] = await Promise.all([noticeOf(kube), readRecord(ctx, target.name)])
  if (notice?.project === undefined || notice.project === record?.id) return
  const { directory: theirs = 'a folder that it does not name' } = notice
  if (record === undefined && (origin.context !== 'default' || (await isSamePlace(theirs, directory)))) return
  const { name, context, kubeconfig } = target
  throw new KsailError(
    'conflict',
    `context ${context} of ${kubeconfig} does not lead to cluster ${name} of this project, but to one of the project in ${theirs}`,
    {
      reason: 'owner',
      hint:
        record === undefined
          ? `name the right one with --kubeconfig, or pass --context ${context} if that cluster is meant`
          : 'run ksail cluster create, which writes the context again, or name the right one with --kubeconfig or --context',
    },
  )
}
