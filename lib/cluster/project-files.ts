import { isAbsolute, posix, relative, resolve, sep } from 'node:path'
import { usageError } from '../base/errors.ts'
import { registryName, repositoryName, syncPath } from '../base/names.ts'
import { expandPlaceholders } from '../base/placeholders.ts'
import { hostPort } from '../base/reference.ts'
import { parseRegistrySetting } from '../base/registry-setting.ts'
import type { Context } from '../base/context.ts'
import type { Registry } from '../base/target.ts'
import type { Origins } from '../config/resolve.ts'
import { settings, type Config, type Setting, type SettingInputs, type SettingName } from '../config/settings.ts'
import { distributions, runtimeOf } from '../distributions/index.ts'
import { hasProcesses } from '../providers/index.ts'
import { editYaml, type Edit } from '../scaffold/edit.ts'
import type { Files } from '../scaffold/layers.ts'

interface Request {
  readonly name: string
  readonly directory: string
  readonly options: SettingInputs & { readonly example?: boolean | undefined }
  readonly config: Config
  readonly origin: Origins
}

/** What the templates are filled with; everything in it was checked. */
export interface ProjectPlan {
  readonly name: string
  readonly example: boolean
  /** Keys of ksail.yaml that differ from the defaults. */
  readonly settings: Partial<Record<SettingName, unknown>>
  /** Folder of the manifests, relative, with `/`. */
  readonly source: string
  /** Where in it the engine starts, relative. */
  readonly start: string
  readonly distributionConfig: string
  readonly controlPlanes: number
  readonly workers: number
  readonly nodeImage: string | undefined
  readonly registry: Registry | undefined
}

const FROM_FLAG = '--'

/** A path of the project as it stands in its files. */
const inside = (directory: string, path: string, flag: string): string => {
  const short = relative(directory, resolve(directory, path))
  if (isAbsolute(short) || short.split(sep)[0] === '..')
    throw usageError(`${flag}: ${path} is not inside the project ${directory}`, 'name a path below it')
  return short.split(sep).join('/') || '.'
}

/** The setting keeps its placeholders: each stands for some text while its form is checked. */
const checkRegistry = (text: string | undefined, ctx: Context): Registry | undefined => {
  if (text === undefined) return undefined
  // any text that is a host, a port, a name and a tag
  const registry = parseRegistrySetting(expandPlaceholders(text, new Proxy({}, { get: () => '1' }), 'localRegistry'))
  if (registry !== undefined && registry.password !== '' && !text.includes('${'))
    ctx.report({ kind: 'warn', text: 'ksail.yaml holds the password of the registry: write ${VARIABLE} instead before it is committed' })
  return registry
}

const checkVersion = (version: string | undefined): void => {
  if (version !== undefined && !/^v?\d+\.\d+(\.\d+)?$/.test(version))
    throw usageError(`--kubernetes-version: "${version}" is no version of Kubernetes`, 'write it as 1.34.0')
}

const checkContext = (name: string, { distribution, context }: Config): void => {
  const known = Object.values(distributions[distribution].on).map((runtime) => runtime.contextOf(name))
  if (context !== undefined && !known.includes(context))
    throw usageError(
      `--context: distribution ${distribution} names the context of this cluster ${known.join(' or ')}, not ${context}`,
      'leave --context away',
    )
}

/** A path as the file in this folder writes it: relative ones count from the file, so that it holds wherever the project is. */
const fromFile = (directory: string, path: string): string => {
  const short = relative(directory, path)
  return isAbsolute(short) || short.split(sep)[0] === '..' ? path : `./${short.split(sep).join('/')}`
}

/** Checks everything that init was told; throws `usage` for what cannot be. */
export const checkProject = ({ name, directory, options, config, origin }: Request, ctx: Context): ProjectPlan => {
  const given = (key: SettingName): string | undefined => (origin[key].startsWith(FROM_FLAG) ? String(options[key]).trim() : undefined)
  if (config.provider !== 'Auto') runtimeOf(config)
  checkVersion(given('kubernetesVersion'))
  if (given('context') !== undefined) checkContext(name, config)
  const source = inside(directory, given('sourceDirectory') ?? config.sourceDirectory, '--source-directory')
  const distributionConfig = inside(directory, given('distributionConfig') ?? config.distributionConfig, '--distribution-config')
  const kubeconfig = given('kubeconfig')
  const values: Partial<Record<SettingName, unknown>> = {
    distribution: config.distribution,
    provider: config.provider,
    engine: config.engine,
    sourceDirectory: source,
    distributionConfig,
    kustomizationFile: given('kustomizationFile'),
    fluxProfile: given('fluxProfile') === undefined ? undefined : config.fluxProfile,
    localRegistry: given('localRegistry'),
    registryImage: given('registryImage'),
    kubernetesVersion: given('kubernetesVersion'),
    context: given('context'),
    kubeconfig: kubeconfig === undefined || kubeconfig.startsWith('~') ? kubeconfig : fromFile(directory, resolve(ctx.cwd, kubeconfig)),
    // elsewhere kind.yaml holds them
    workers: hasProcesses(config.provider) ? config.workers : undefined,
  }
  return {
    name,
    example: options.example === true,
    source,
    distributionConfig,
    start: syncPath(config.kustomizationFile).slice('./'.length),
    settings: Object.fromEntries(
      Object.entries(values).filter(
        ([key, value]) => value !== undefined && value !== (settings[key as SettingName] as { default?: unknown }).default,
      ),
    ),
    controlPlanes: config.controlPlanes,
    workers: config.workers,
    // a machine without the usual registries says so by its environment; kind.yaml has to work there on its own
    nodeImage: given('nodeImage') ?? (origin.nodeImage === 'KSAIL_NODE_IMAGE' ? config.nodeImage : undefined),
    registry: checkRegistry(given('localRegistry'), ctx),
  }
}

const kindNodes = ({ controlPlanes, workers, nodeImage }: ProjectPlan): readonly object[] => {
  const nodes = (role: string, count: number): object[] =>
    Array.from({ length: count }, () => ({ role, ...(nodeImage === undefined ? {} : { image: nodeImage }) }))
  return [...nodes('control-plane', controlPlanes), ...nodes('worker', workers)]
}

/** Where an external registry is, unless a variable says so only when it runs. */
const externalUrl = ({ registry, settings: { localRegistry }, source }: ProjectPlan): readonly Edit[] => {
  const place = String(localRegistry)
    .split('@')
    .at(-1)
    ?.replace(/:\$\{[^}]*\}$/, '')
  return registry === undefined || place?.includes('${') === true
    ? []
    : [[['spec', 'url'], `oci://${hostPort(registry)}/${registry.repository || repositoryName('/', source)}`]]
}

/** Where a template goes, and what is filled in, by its path. */
const rules: Readonly<
  Record<string, { readonly path?: (plan: ProjectPlan) => string; readonly edits: (plan: ProjectPlan) => readonly Edit[] }>
> = {
  'ksail.yaml': {
    edits: (plan) => [
      [['metadata', 'name'], plan.name],
      ...Object.entries(plan.settings).flatMap(([name, value]): Edit[] => {
        const row = settings[name as SettingName] as Setting
        return row.key === undefined ? [] : [[row.key.split('.'), value]]
      }),
    ],
  },
  'kind.yaml': {
    path: (plan) => plan.distributionConfig,
    edits: (plan) => [
      [['name'], plan.name],
      ...(plan.controlPlanes > 1 || plan.workers > 0 || plan.nodeImage !== undefined ? [[['nodes'], kindNodes(plan)] as Edit] : []),
    ],
  },
  'k8s/kustomization.yaml': {
    path: (plan) => posix.join(plan.source, plan.start, 'kustomization.yaml'),
    edits: (plan) => (plan.example ? [[['resources'], [posix.relative(plan.start, 'apps/podinfo')]]] : []),
  },
  'flux/oci-repository.yaml': {
    edits: (plan) =>
      plan.registry?.external === true
        ? [[['spec', 'insecure'], undefined], ...externalUrl(plan)]
        : [[['spec', 'url'], `oci://${registryName(plan.name)}:5000/${plan.registry?.repository || repositoryName('/', plan.source)}`]],
  },
}

/** The files of a project: templates at their places, with what was chosen. */
export const fillTemplates = (files: Files, plan: ProjectPlan): Files =>
  new Map(
    [...files].map(([path, text]) => {
      const rule = rules[path]
      const place = rule?.path?.(plan) ?? (path.startsWith('k8s/') ? posix.join(plan.source, path.slice('k8s/'.length)) : path)
      return [place, rule === undefined ? text : editYaml(text, rule.edits(plan))]
    }),
  )
