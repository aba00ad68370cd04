import type { Context } from '../base/context.ts'
import type { Target } from '../base/target.ts'
import type { Runtime } from '../distributions/distribution.ts'
import { engineOf } from '../engines/index.ts'
import type { ClusterRecord } from '../providers/record.ts'
import { manifestsOf } from './manifests.ts'
import { syncOf } from './sync.ts'

/** Makes a running cluster, its nodes and its engine, find the local registry on the port that it has now; the port that it has then. */
export const followRegistry = async (
  ctx: Context,
  target: Target,
  runtime: Runtime,
  record: ClusterRecord & { readonly port: number },
): Promise<number> => {
  const engine = engineOf(target.engine)
  const [sync, components] = await Promise.all([syncOf(ctx, target, runtime, { allowShortLived: true }), engine.components(ctx, target)])
  const { apply, booted, done } = runtime.adopt(ctx, target, ctx.signal)
  await done
  const nodes = await booted
  let { port } = record
  for (const link of runtime.registry.links) port = (await link.do(ctx, target.name, port, nodes)) ?? port
  const { all } = await manifestsOf({ ctx, target, record, engine, sync, components, runtime }, port)
  await apply(all, { manager: 'ksail' })
  return port
}
