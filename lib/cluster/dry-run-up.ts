import { join, relative } from 'node:path'
import { usual } from '../base/choices.ts'
import type { Context } from '../base/context.ts'
import { findConfigFile } from '../config/load.ts'
import { loadProject } from '../config/project.ts'
import { exists } from '../io/files.ts'
import { privateFolder } from '../io/private.ts'
import { lookingOnly } from '../tools/dry.ts'
import { dryCreate, type Staged } from './dry-run.ts'
import { initProject } from './init.ts'
import type { UpOptions, UpResult } from './up-options.ts'
import { refuseTaken } from './with-cluster.ts'

/** The files that a project would get, in a folder aside: what is not there yet is read from it. */
const stage = async (options: UpOptions, ctx: Context, directory: string): Promise<Staged> => {
  const { target } = await loadProject(options, ctx)
  await initProject({ ...options, name: target.name, dryRun: false, directory }, { ...ctx, cwd: directory, report: () => undefined })
  const place = async (path: string): Promise<string> => ((await exists(path)) ? path : join(directory, relative(target.project, path)))
  return { source: await place(target.source), distributionConfig: await place(target.distributionConfig) }
}

/** What `up` would do, told and returned: nothing of it is done. */
export const dryUp = async (options: UpOptions, ctx: Context): Promise<UpResult> => {
  const isProject = (await findConfigFile(options, ctx)) !== undefined
  const given = isProject ? options : { ...options, engine: options.engine ?? usual.engine }
  if (!isProject) await refuseTaken(given, lookingOnly(ctx))
  const files = isProject ? [] : (await initProject(given, ctx)).files
  const aside = await privateFolder(ctx, 'init')
  try {
    const staged = isProject ? undefined : await stage(given, ctx, aside.path)
    const { name, context, registry, reference, digest, already, planned, ms } = await dryCreate(given, ctx, { pushes: true, staged })
    return { name, context, registry, reference, digest, files, already: files.length === 0 && already, planned, ms }
  } finally {
    await aside.remove()
  }
}
