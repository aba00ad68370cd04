import { resolve, delimiter } from 'node:path'
import type { Context } from '../base/context.ts'
import { repositoryName, syncPath } from '../base/names.ts'
import type { Registry, Target } from '../base/target.ts'
import { defaultKubeconfig } from '../io/folders.ts'
import { readRecord } from '../providers/record.ts'
import { chooseCluster } from './cluster.ts'
import { checkLogin, readRegistry } from './expand.ts'
import { checkKeys } from './keys.ts'
import { loadDocuments } from './load.ts'
import { resolveConfig, type Origins } from './resolve.ts'
import { settings, type Config, type SettingInputs } from './settings.ts'
import { chooseTag, type ChosenTag } from './tag.ts'

export interface ProjectOptions extends SettingInputs {
  /** The configuration file, exactly. */
  readonly config?: string | undefined
  /** The name of the cluster. */
  readonly name?: string | undefined
}

/** One cluster's configuration, resolved. */
export interface Project {
  /** Absolute folder of ksail.yaml, else the working directory. */
  readonly directory: string
  /** Absolute path of the file that configures it. */
  readonly file: string | undefined
  readonly config: Config
  /** For each setting the place that decided. */
  readonly origin: Origins
  readonly cluster: { readonly name: string; readonly from: string }
  /** What needs the registry setting (registry, registryPort, repository, tag) is read when it is asked for: its variables may be unset until then. */
  readonly target: Target
}

export type SettingSource = 'flag' | 'env' | 'config'

/** Which kind of place an origin is. */
export const sourceOfOrigin = (origin: string): SettingSource | undefined =>
  origin === 'default' ? undefined : origin.startsWith('--') ? 'flag' : origin.startsWith('KSAIL_') ? 'env' : 'config'

/** The tag of a project for what was found, by the tag chain. */
export const tagOf = (
  { config, origin }: Pick<Project, 'config' | 'origin'>,
  places: { readonly argument?: string | undefined; readonly registry?: string | undefined },
): ChosenTag => {
  const source = sourceOfOrigin(origin.tag)
  return chooseTag({ ...places, ...(source === undefined ? {} : { [source]: config.tag }) })
}

export interface NamedRegistry {
  readonly registry: Registry
  readonly from: SettingSource
  /** The flag, variable or key, as it is named to people. */
  readonly origin: string
}

/** What one of the two registry settings says; undefined when it is blank or not given. */
export const namedRegistry = (
  { config, origin }: Pick<Project, 'config' | 'origin'>,
  setting: 'registry' | 'localRegistry',
  ctx: Context,
): NamedRegistry | undefined => {
  const text = config[setting]
  const from = sourceOfOrigin(origin[setting])
  if (text === undefined || from === undefined) return undefined
  const registry = readRegistry(text, origin[setting], ctx)
  if (registry === undefined) return undefined
  checkLogin(registry, origin[setting])
  return { registry, from, origin: origin[setting] }
}

const lazily = <T>(make: () => T): (() => T) => {
  let made: { readonly value: T } | undefined
  return () => (made ??= { value: make() }).value
}

const kubeconfigOf = (config: Config, { cwd, env }: Context): string => {
  const [first] = (env['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '')
  return config.kubeconfig ?? (first === undefined ? defaultKubeconfig(env) : resolve(cwd, first))
}

/** A cluster that is recorded says its context itself: only for another one the distributions are loaded. */
const contextFor = async (name: string, { distribution, provider }: Config): Promise<string> =>
  (await import('../distributions/index.ts')).contextOf({ distribution, provider, name })

/** Every setting has a flag or a key; what verbs pass besides them is not ours. */
const inputsOf = (options: ProjectOptions): SettingInputs =>
  Object.fromEntries(Object.entries(options).filter(([name]) => Object.hasOwn(settings, name))) as SettingInputs

/**
 * Finds and reads the configuration and resolves every setting. Asks files and the environment only, neither Docker nor the cluster.
 * Throws `config` and `usage` with file, line and column.
 *
 * @example
 * const { target } = await loadProject({ name: 'dev' }, createContext())
 */
export const loadProject = async (options: ProjectOptions, ctx: Context): Promise<Project> => {
  const loaded = await loadDocuments(options.config, ctx)
  const { document, name, from } = chooseCluster(loaded, { flag: options.name, env: ctx.env['KSAIL_CLUSTER_NAME'] })
  if (document !== undefined) checkKeys(document.yaml, ctx.report)
  const { directory } = loaded
  const { config, origin } = resolveConfig(inputsOf(options), document, directory, ctx)
  const record = await readRecord(ctx, name)
  const named = lazily(() => namedRegistry({ config, origin }, 'registry', ctx) ?? namedRegistry({ config, origin }, 'localRegistry', ctx))
  const target: Target = {
    name,
    project: directory,
    distribution: config.distribution,
    provider: record?.provider ?? config.provider,
    engine: config.engine,
    kubeconfig: kubeconfigOf(config, ctx),
    context: config.context ?? record?.context ?? (await contextFor(name, config)),
    source: config.sourceDirectory,
    get repository() {
      return named()?.registry.repository || repositoryName(directory, config.sourceDirectory)
    },
    get tag() {
      return tagOf({ config, origin }, { registry: named()?.registry.tag }).tag
    },
    path: syncPath(config.kustomizationFile),
    registryImage: config.registryImage,
    get registryPort() {
      const registry = named()?.registry
      return registry?.external === false ? registry.port : undefined
    },
    get registry() {
      const registry = named()?.registry
      return registry?.external === true ? registry : undefined
    },
    nodeImage: config.nodeImage,
    kubernetesVersion: config.kubernetesVersion,
    // not given: the distribution's own file says how many
    controlPlanes: origin.controlPlanes === 'default' ? undefined : config.controlPlanes,
    workers: origin.workers === 'default' ? undefined : config.workers,
    distributionConfig: config.distributionConfig,
    fluxProfile: config.fluxProfile,
    timeout: config.timeout,
  }
  return { directory, file: document?.file ?? loaded.file, config, origin, cluster: { name, from }, target }
}

/** The folder that a push packs: `--path`, which counts from the working directory, else the source directory. */
export const sourceFolder = (path: string | undefined, { target }: Pick<Project, 'target'>, { cwd }: Pick<Context, 'cwd'>): string => {
  const given = path?.trim() ?? ''
  return given === '' ? target.source : resolve(cwd, given)
}
