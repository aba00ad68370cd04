import { usual } from '../base/choices.ts'
import type { Context } from '../base/context.ts'
import { findConfigFile } from '../config/load.ts'
import { engineOf } from '../engines/index.ts'
import { sharingKube } from '../tools/kube.ts'
import { push } from '../workload/push.ts'
import { createFor } from './create.ts'
import type { CreateResult } from './create-options.ts'
import { initProject } from './init.ts'
import type { UpOptions, UpResult } from './up-options.ts'
import { refuseTaken } from './with-cluster.ts'

/**
 * From nothing, or from anything in between, to a live folder: init where there is no ksail.yaml, create, push, reconcile. Safe to repeat:
 * what is done already is left alone.
 *
 * @example
 * const { context, digest } = await up({ name: 'dev' })
 */
export const up = async (options: UpOptions, ctx: Context): Promise<UpResult> =>
  options.dryRun === true ? (await import('./dry-run-up.ts')).dryUp(options, ctx) : sharingKube(ctx, () => upNow(options, ctx))

const upNow = async (options: UpOptions, ctx: Context): Promise<UpResult> => {
  const start = ctx.now()
  const file = await findConfigFile(options, ctx)
  // a name that others have is found before a project of that name is written
  if (file === undefined) await refuseTaken(options, ctx)
  const files = file === undefined ? (await initProject({ ...options, engine: options.engine ?? usual.engine }, ctx)).files : []
  const created: CreateResult = await createFor(options, ctx, { followed: true })
  const follows = engineOf(created.engine).follows
  const live = created.pushed ? undefined : await push({ ...options, reconcile: follows }, ctx)
  return {
    name: created.name,
    context: created.context,
    registry: created.registry,
    reference: live?.reference ?? created.reference,
    digest: live?.digest ?? created.digest,
    files,
    already: files.length === 0 && created.already && live?.changed !== true,
    ms: ctx.now() - start,
  }
}
