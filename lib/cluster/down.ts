import type { Context } from '../base/context.ts'
import { deleteCluster, type DeleteOptions, type DeleteResult } from './delete.ts'

/**
 * Removes everything that `up` made for this project and nothing else: nodes, registry with its volume, network attachments, kubeconfig entry,
 * record. The files of the project stay. Success also when nothing is left.
 *
 * @example
 * const { removed } = await down({ yes: true })
 */
export const down = (options: DeleteOptions, ctx: Context): Promise<DeleteResult> => deleteCluster(options, ctx)
