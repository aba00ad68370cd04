import { basename, resolve } from 'node:path'
import { engineNames, distributionNames, usual } from '../base/choices.ts'
import { usageError } from '../base/errors.ts'
import { nameOfFolder, validateName } from '../base/names.ts'
import type { Context } from '../base/context.ts'
import { chooseCluster } from '../config/cluster.ts'
import { loadDocuments, shownPath } from '../config/load.ts'
import { resolveConfig } from '../config/resolve.ts'
import type { SettingInputs } from '../config/settings.ts'
import { exists } from '../io/files.ts'
import { templates } from '../scaffold/layers.ts'
import { lookAt, writeFiles, type Written } from '../scaffold/write.ts'
import { checkProject, fillTemplates } from './project-files.ts'

export interface InitOptions extends SettingInputs {
  readonly name?: string | undefined
  /** Folder of the project; default: the working directory. */
  readonly directory?: string | undefined
  /** Names the example in the root of what is pushed. */
  readonly example?: boolean | undefined
  /** Overwrites files that exist. */
  readonly force?: boolean | undefined
  /** Says which files would be written; writes none. */
  readonly dryRun?: boolean | undefined
  /** Asks for what is not given, where somebody can answer. */
  readonly interactive?: boolean | undefined
}

export interface InitResult {
  /** Absolute. */
  readonly directory: string
  readonly name: string
  /** Paths relative to the folder. */
  readonly files: readonly Written[]
  /** Nothing of it was written. */
  readonly dryRun?: true | undefined
}

const answers = async (options: InitOptions, directory: string, ctx: Context): Promise<InitOptions> => {
  if (options.interactive !== true || !ctx.ask.available) return options
  const { ask, env } = ctx
  const select = async <C extends string>(
    question: string,
    choices: readonly C[],
    given: C | undefined,
    initial: C,
  ): Promise<C | undefined> => given ?? (choices.length > 1 ? ((await ask.select(question, choices, initial)) as C) : undefined)
  return {
    ...options,
    name:
      options.name ??
      (await ask.text('name of the cluster', env['KSAIL_CLUSTER_NAME'] || nameOfFolder(basename(directory)), (answer) => {
        if (validateName(answer) === undefined) throw usageError('a cluster needs a name')
      })),
    distribution: await select('distribution', distributionNames, options.distribution, usual.distribution),
    engine: await select('GitOps engine', engineNames, options.engine, usual.engine),
  }
}

/**
 * Writes the files of a project. One that exists is kept, with `force` it is overwritten; which of them is in the result and told as an event.
 * Everything is checked before the first is written, and a failure half way leaves the folder as it was.
 *
 * @example
 * const { files } = await initProject({ name: 'dev', distribution: 'Vanilla', engine: 'Flux' })
 */
export const initProject = async (given: InitOptions, ctx: Context): Promise<InitResult> => {
  const directory = resolve(ctx.cwd, given.directory ?? '.')
  const kept = given.force !== true && (await exists(resolve(directory, 'ksail.yaml')))
  // a ksail.yaml that stays is what the other files have to fit
  const loaded = kept ? await loadDocuments('ksail.yaml', { ...ctx, cwd: directory }) : { directory, file: undefined, documents: [] }
  const options = kept ? given : await answers(given, directory, ctx)
  const { name, document } = chooseCluster(loaded, { flag: options.name, env: ctx.env['KSAIL_CLUSTER_NAME'] })
  const { config, origin } = resolveConfig(options, document, directory, ctx)
  const plan = checkProject({ name, directory, options, config, origin }, ctx)
  const files = fillTemplates(await templates(config), plan)
  const { force, dryRun } = options
  const written = dryRun === true ? await lookAt(directory, files, { force }) : await writeFiles(directory, files, { force })
  for (const { path, action } of written) {
    const shown = shownPath(resolve(directory, path), ctx.cwd)
    ctx.report(
      dryRun === true && action !== 'kept' ? { kind: 'note', text: `would write ${shown}` } : { kind: 'file', action, path: shown },
    )
  }
  return { directory, name, files: written, ...(dryRun === true ? { dryRun } : {}) }
}
