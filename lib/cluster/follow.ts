import type { Context } from '../base/context.ts'
import type { Target } from '../base/target.ts'
import type { Runtime } from '../distributions/distribution.ts'
import { engineOf } from '../engines/index.ts'
import type { ClusterRecord } from '../providers/record.ts'
import { manifestsOf } from './manifests.ts'
import { syncOf } from './sync.ts'

/** Makes the engine of a running cluster read the local registry on the port that it has now. */
export const followRegistry = async (ctx: Context, target: Target, runtime: Runtime, record: ClusterRecord): Promise<void> => {
  const engine = engineOf(target.engine)
  const [sync, components] = await Promise.all([syncOf(ctx, target, runtime, { allowShortLived: true }), engine.components(ctx, target)])
  const { all } = await manifestsOf({ ctx, target, record, engine, sync, components, runtime }, record.port)
  const { apply, done } = runtime.adopt(ctx, target, ctx.signal)
  await done
  await apply(all, { manager: 'ksail' })
}
