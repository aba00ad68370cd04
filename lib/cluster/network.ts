import type { Context } from '../base/context.ts'
import { registryName } from '../base/names.ts'
import { listRecords, writeRecord } from '../providers/record.ts'
import { formatCommand } from '../io/exec.ts'
import * as docker from '../tools/docker.ts'
import { NETWORK } from './ownership.ts'

/** What would remove it once this cluster is gone: nothing where others are on it. */
export const previewNetwork = async (ctx: Context, cluster: string): Promise<readonly string[]> => {
  const names = (await docker.list(ctx, `network=${NETWORK}`)).map(({ name }) => name)
  const own = names.every((name) => name === registryName(cluster) || new RegExp(`^${cluster}-(control-plane|worker)\\d*$`).test(name))
  return own && (await docker.networkExists(ctx, NETWORK)) ? [formatCommand('docker', docker.words.removeNetwork(NETWORK))] : []
}

/**
 * Removes the nodes' network that this cluster made, when no container uses it any more, stopped ones included. While another cluster is on
 * it, that one becomes the one that made it. True when it was removed.
 */
export const removeOwnNetwork = async (ctx: Context, cluster: string): Promise<boolean> => {
  if (!(await docker.networkExists(ctx, NETWORK))) return false
  if ((await docker.list(ctx, `network=${NETWORK}`)).length === 0) return docker.removeNetwork(ctx, NETWORK)
  const heir = (await listRecords(ctx)).find((record) => record.name !== cluster && record.network === 'there')
  if (heir !== undefined) await writeRecord(ctx, { ...heir, network: 'made' })
  return false
}
