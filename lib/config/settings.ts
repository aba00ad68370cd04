import { distributionNames, engineNames, fluxProfiles, later, providerNames, usual } from '../base/choices.ts'

export type SettingType = 'string' | 'enum' | 'number' | 'boolean' | 'duration' | 'list' | 'path'

/** What a setting is: its flag, variable, key, help line, schema entry and documentation all come from here. */
export interface Setting {
  readonly type: SettingType
  readonly summary: string
  /** Its place in ksail.yaml; without one it is given per command only. */
  readonly key?: string
  /** Other places in ksail.yaml that mean the same. */
  readonly aliases?: readonly string[]
  /** Without one it stands in ksail.yaml only. Its variable is KSAIL_<FLAG>. */
  readonly flag?: string
  readonly short?: string
  readonly choices?: readonly string[]
  /** Choices that the contract names and that this version does not have. */
  readonly later?: readonly string[]
  /** In the form of ksail.yaml; without one the setting may be undefined. */
  readonly default?: string | number | boolean
  /** The smallest number. */
  readonly least?: number
  /** Kept as written: its placeholders hold credentials and are expanded where it is used. */
  readonly raw?: boolean
  /** Read and checked, but nothing asks for it in this version: a file that has it is told. */
  readonly idle?: boolean
}

const define = <const T extends Readonly<Record<string, Setting>>>(rows: T): { readonly [K in keyof T]: T[K] & { readonly name: K } } =>
  Object.fromEntries(Object.entries(rows).map(([name, row]) => [name, { ...row, name }])) as {
    readonly [K in keyof T]: T[K] & { readonly name: K }
  }

/** One row per setting. */
export const settings = define({
  distribution: {
    type: 'enum',
    key: 'spec.cluster.distribution',
    flag: 'distribution',
    short: 'd',
    choices: distributionNames,
    later: later.distribution,
    default: usual.distribution,
    summary: 'kind of Kubernetes',
  },
  provider: {
    type: 'enum',
    key: 'spec.cluster.provider',
    flag: 'provider',
    choices: providerNames,
    later: later.provider,
    default: 'Auto',
    summary: 'where the nodes run',
  },
  engine: {
    type: 'enum',
    key: 'spec.cluster.gitOpsEngine',
    flag: 'gitops-engine',
    short: 'g',
    choices: engineNames,
    later: later.engine,
    default: 'None',
    summary: 'GitOps engine to bootstrap',
  },
  localRegistry: {
    type: 'string',
    key: 'spec.cluster.localRegistry',
    aliases: ['spec.cluster.localRegistry.registry'],
    flag: 'local-registry',
    raw: true,
    summary: 'registry of the project, as [user:pass@]host[:port][/path[:tag]]; default: one beside the cluster',
  },
  registry: { type: 'string', flag: 'registry', raw: true, summary: 'registry for this command, as [user:pass@]host[:port][/path[:tag]]' },
  tag: {
    type: 'string',
    key: 'spec.workload.tag',
    flag: 'tag',
    summary: 'tag of the artifact; default: the one in the registry setting, else dev',
  },
  alsoTags: {
    type: 'list',
    key: 'spec.workload.alsoTags',
    flag: 'also-tag',
    summary: 'further tag that moves with each push (repeatable)',
  },
  sourceDirectory: {
    type: 'path',
    key: 'spec.workload.sourceDirectory',
    flag: 'source-directory',
    short: 's',
    default: 'k8s',
    summary: 'directory of the manifests',
  },
  kustomizationFile: {
    type: 'string',
    key: 'spec.workload.kustomizationFile',
    flag: 'kustomization-file',
    default: './',
    summary: 'directory inside the artifact where the engine starts',
  },
  controlPlanes: {
    type: 'number',
    key: 'spec.cluster.controlPlanes',
    flag: 'control-planes',
    default: 1,
    least: 1,
    summary: 'number of control plane nodes',
  },
  workers: { type: 'number', key: 'spec.cluster.workers', flag: 'workers', default: 0, least: 0, summary: 'number of worker nodes' },
  nodeImage: {
    type: 'string',
    key: 'spec.cluster.nodeImage',
    flag: 'node-image',
    summary: 'image of the nodes; default: that of the tool',
  },
  registryImage: {
    type: 'string',
    key: 'spec.cluster.registryImage',
    flag: 'registry-image',
    default: 'registry:3',
    summary: 'image of the local registry',
  },
  kubernetesVersion: {
    type: 'string',
    key: 'spec.cluster.kubernetesVersion',
    flag: 'kubernetes-version',
    summary: 'version of Kubernetes; default: that of the tool',
  },
  distributionConfig: {
    type: 'path',
    key: 'spec.cluster.distributionConfig',
    flag: 'distribution-config',
    default: 'kind.yaml',
    summary: 'configuration of the distribution',
  },
  kubeconfig: {
    type: 'path',
    key: 'spec.cluster.connection.kubeconfig',
    flag: 'kubeconfig',
    short: 'k',
    summary: 'kubeconfig; default: the first file of KUBECONFIG, else ~/.kube/config',
  },
  context: {
    type: 'string',
    key: 'spec.cluster.connection.context',
    flag: 'context',
    short: 'c',
    summary: 'context in the kubeconfig; default: by the name of the cluster',
  },
  timeout: {
    type: 'duration',
    key: 'spec.cluster.connection.timeout',
    flag: 'timeout',
    default: '5m',
    summary: 'longest wait, as 90s or 5m',
  },
  fluxProfile: {
    type: 'enum',
    key: 'spec.cluster.flux.profile',
    flag: 'flux-profile',
    choices: fluxProfiles,
    default: 'local',
    summary: 'how the Flux controllers run: fast, or as flux install makes them',
  },
  validateOnPush: {
    type: 'boolean',
    key: 'spec.workload.validateOnPush',
    default: true,
    summary: 'whether everything that the engine reaches must build before a push',
  },
  allowPlaintextSecrets: {
    type: 'boolean',
    key: 'spec.workload.allowPlaintextSecrets',
    flag: 'allow-plaintext-secrets',
    default: false,
    summary: 'push Secrets that are not encrypted',
  },
  editor: {
    type: 'string',
    key: 'spec.editor',
    flag: 'editor',
    idle: true,
    summary: 'editor of encrypted files; default: SOPS_EDITOR, else EDITOR',
  },
  ageKeyEnvVar: {
    type: 'string',
    key: 'spec.cluster.sops.ageKeyEnvVar',
    idle: true,
    default: 'SOPS_AGE_KEY',
    summary: 'variable that holds age identities',
  },
  sopsEnabled: {
    type: 'enum',
    key: 'spec.cluster.sops.enabled',
    idle: true,
    choices: ['auto', 'true', 'false'],
    default: 'auto',
    summary: 'whether the cluster gets the age identities',
  },
})

/** Where programs come from that PATH lacks: the machine's to say, never the project's. Variables alone. */
export const programVariables: Readonly<Record<string, string>> = {
  'KSAIL_TOOL_<NAME>': 'path of a program, as KSAIL_TOOL_KUBECTL; goes before PATH',
  KSAIL_TOOLS_DIR: 'folder of fetched programs; default: ksail/tools/v1 in XDG_CACHE_HOME',
  KSAIL_MIRROR: 'releases come from URL/HOST/PATH of this URL, as https://[USER:PASSWORD@]mirror.example.com/x',
  KSAIL_IMAGE_MIRROR:
    'programs in images come from here, with the login of docker: registry.example.com/x holds x/ghcr.io/fluxcd/source-controller',
  KSAIL_OFFLINE: '1: nothing is fetched',
}

export type SettingName = keyof typeof settings
type Rows = typeof settings

type Value<R> = R extends { readonly type: 'enum'; readonly choices: readonly (infer C)[] }
  ? C
  : R extends { readonly type: 'number' | 'duration' }
    ? number
    : R extends { readonly type: 'boolean' }
      ? boolean
      : R extends { readonly type: 'list' }
        ? readonly string[]
        : string

/** Every setting with its value. Paths are absolute, durations milliseconds, registries as they were written. */
export type Config = {
  readonly [K in SettingName]: Rows[K] extends { readonly default: unknown } | { readonly type: 'list' }
    ? Value<Rows[K]>
    : Value<Rows[K]> | undefined
}

/** As in `Value`, but what is a text until it is read stays one: durations. */
type Given<R> = R extends { readonly type: 'duration' } ? string : Value<R>

/** Settings as they are typed or passed: one optional entry per row. */
export type SettingInputs = { readonly [K in SettingName]?: Given<Rows[K]> | undefined }

/** The variable of a row, if it has a flag. */
export const variableOf = ({ flag }: Pick<Setting, 'flag'>): string | undefined =>
  flag === undefined ? undefined : `KSAIL_${flag.toUpperCase().replaceAll('-', '_')}`

/** A setting as a flag of a command. It has no default: an absent flag stays undefined and the chain goes on. */
export interface SettingFlag {
  readonly type: 'string' | 'number' | 'boolean' | 'list'
  readonly flag: string
  readonly summary: string
  readonly short?: string | undefined
  readonly choices?: readonly string[] | undefined
  readonly variable: string
  /** For help alone, as what stands for the value. */
  readonly default?: string | undefined
  readonly value?: string | undefined
}

const VALUES: { readonly [K in SettingType]?: string } = { path: 'PATH', duration: 'DURATION' }

type FlagType<R> = R extends { readonly type: infer T } ? (T extends 'number' | 'boolean' | 'list' ? T : 'string') : never

/**
 * Rows as flags, by the name of the setting.
 *
 * @example
 * flagsOf(settings.engine).engine.flag // 'gitops-engine'
 */
export const flagsOf = <const R extends readonly (Setting & { readonly name: SettingName; readonly flag: string })[]>(
  ...rows: R
): {
  readonly [K in R[number] as K['name']]: SettingFlag & { readonly type: FlagType<K> } & (K['choices'] extends readonly string[]
      ? { readonly choices: K['choices'] }
      : unknown)
} =>
  Object.fromEntries(
    rows.map((row) => {
      const type = row.type === 'number' || row.type === 'boolean' || row.type === 'list' ? row.type : 'string'
      const { short, choices, flag, summary } = row
      const usual = row.default === undefined || row.default === false ? undefined : String(row.default)
      return [row.name, { type, flag, summary, short, choices, variable: variableOf(row), default: usual, value: VALUES[row.type] }]
    }),
  ) as never

export const rows: readonly (Setting & { readonly name: SettingName })[] = Object.values(settings)
