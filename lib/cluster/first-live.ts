import type { Context } from '../base/context.ts'
import type { Target } from '../base/target.ts'
import type { Engine } from '../engines/engine.ts'
import type { Sent } from './first-push.ts'

/** While a cluster is made its controllers may look for the registry before they can reach it: no failure in this time (ms). */
const PATIENCE = 60_000

/** Waits until the first artifact is live; its digest. */
export const firstLive = async (
  ctx: Context,
  target: Target,
  engine: Engine,
  { sent, fresh }: { readonly sent: Sent | undefined; readonly fresh: boolean },
): Promise<string | undefined> => {
  if (sent === undefined) return undefined
  await engine.reconcile(ctx, target, { digest: sent.digest, tag: sent.tag, ...(fresh ? { patience: PATIENCE } : {}) })
  return sent.digest
}
