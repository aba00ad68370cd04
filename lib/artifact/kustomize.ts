import { posix } from 'node:path'
import type { Described, Facts } from './facts.ts'

/** Why a kustomization would not build. */
export interface Problem {
  readonly file: string
  readonly line?: number | undefined
  readonly text: string
}

/** The files of an artifact as kustomize sees them. */
export interface Tree {
  readonly facts: ReadonlyMap<string, Facts>
  readonly textOf: (path: string) => string
  /** Left out of the artifact by a rule. */
  readonly isLeftOut: (path: string) => boolean
}

/** What plain reading tells about one start folder. */
export interface Root {
  readonly folder: string
  readonly problems: readonly Problem[]
  readonly objects: readonly Described[]
  /** Files that the build reads. */
  readonly reached: ReadonlySet<string>
  /** Something that only kustomize itself can judge. */
  readonly needsBuilder: boolean
  /** What the build reads is not all in `reached`: plugins name files in their own way. */
  readonly readsMore: boolean
  /** Fetched from elsewhere: neither we nor an offline build can judge it. */
  readonly remote: readonly string[]
  /** Entries of the root that Flux makes when the folder has no kustomization.yaml. */
  readonly generated: readonly string[] | undefined
}

const NAMES = ['kustomization.yaml', 'kustomization.yml', 'Kustomization']
const REMOTE = /^(?:https?|git|ssh|file|oci):|^git@|^github\.com[/:]|\?ref=|^[\w-]+(?:\.[\w-]+)+\/.+\/\/|\.git(?:\/|$|\?)/
/** What cannot make a build fail, and changes no name. */
const PLAIN = new Set([
  'apiVersion',
  'kind',
  'metadata',
  'resources',
  'bases',
  'namespace',
  'labels',
  'commonLabels',
  'commonAnnotations',
  'images',
  'buildMetadata',
  'sortOptions',
])
/** Fields whose files `otherFiles` and the folders of a kustomization name, and fields that name none. */
const NAMED = new Set([
  ...PLAIN,
  'components',
  'patches',
  'patchesJson6902',
  'patchesStrategicMerge',
  'replacements',
  'configMapGenerator',
  'secretGenerator',
  'generatorOptions',
  'crds',
  'configurations',
  'openapi',
  'namePrefix',
  'nameSuffix',
  'replicas',
  'vars',
])
/** What kustomize itself knows to have no namespace: it gives one to every other kind. */
const CLUSTER_WIDE = new Set([
  'Namespace',
  'CustomResourceDefinition',
  'ClusterRole',
  'ClusterRoleBinding',
  'PersistentVolume',
  'StorageClass',
  'IngressClass',
  'PriorityClass',
  'RuntimeClass',
  'APIService',
  'MutatingWebhookConfiguration',
  'ValidatingWebhookConfiguration',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
  'Node',
  'CSIDriver',
  'CSINode',
  'CertificateSigningRequest',
  'VolumeAttachment',
  'ComponentStatus',
])

type Plain = Readonly<Record<string, unknown>>
const isObject = (value: unknown): value is Plain => typeof value === 'object' && value !== null && !Array.isArray(value)
const strings = (value: unknown): string[] => (Array.isArray(value) ? value.filter((it) => typeof it === 'string') : [])
const objects = (value: unknown): Plain[] => (Array.isArray(value) ? value.filter(isObject) : [])

/** Files that a kustomization names besides its resources. */
const otherFiles = (content: Plain): string[] => [
  ...objects(content['patches']).flatMap((it) => (typeof it['path'] === 'string' ? [it['path']] : [])),
  ...objects(content['patchesJson6902']).flatMap((it) => (typeof it['path'] === 'string' ? [it['path']] : [])),
  ...objects(content['replacements']).flatMap((it) => (typeof it['path'] === 'string' ? [it['path']] : [])),
  ...strings(content['patchesStrategicMerge']).filter((it) => !it.includes('\n')),
  ...['configMapGenerator', 'secretGenerator'].flatMap((key) =>
    objects(content[key]).flatMap((it) => [
      ...strings(it['files']).map((file) => file.slice(file.indexOf('=') + 1)),
      ...strings(it['envs']),
      ...(typeof it['env'] === 'string' ? [it['env']] : []),
    ]),
  ),
  ...['crds', 'configurations'].flatMap((key) => strings(content[key])),
  ...(isObject(content['openapi']) && typeof content['openapi']['path'] === 'string' ? [content['openapi']['path']] : []),
]

/** The transformer that `cluster init` writes: a namespace for objects that name none. It cannot fail; any other is for kustomize to judge. */
const DEFAULT_NAMESPACE =
  /^apiVersion: builtin\nkind: NamespaceTransformer\nmetadata: *\{ *name: [\w-]+, *namespace: ([a-z0-9-]+) *\}\nunsetOnly: true\n?$/

const defaultNamespaceOf = (transformers: unknown): string | undefined =>
  Array.isArray(transformers) && transformers.length === 1 && typeof transformers[0] === 'string'
    ? DEFAULT_NAMESPACE.exec(transformers[0])?.[1]
    : undefined

/** A string whatever YAML one reads it as: kustomize reads its own files as YAML 1.1, where `y` is a boolean and `1_0` a number. */
const isText = (value: unknown): boolean =>
  typeof value === 'string' && !/^(?:y|n|yes|no|on|off|true|false|null|~|[-+]?[\d_]+(?:\.[\d_]*)?)$/i.test(value)
const isTextMap = (value: unknown): boolean => value === undefined || (isObject(value) && Object.values(value).every(isText))

/** Whether the fields that change no name have the types that kustomize wants. */
const isTyped = (content: Plain): boolean =>
  (content['namespace'] === undefined || isText(content['namespace'])) &&
  isTextMap(content['commonLabels']) &&
  isTextMap(content['commonAnnotations']) &&
  (content['images'] === undefined || (Array.isArray(content['images']) && content['images'].every((it) => isTextMap(it)))) &&
  (content['labels'] === undefined ||
    (Array.isArray(content['labels']) &&
      content['labels'].every(
        (it) =>
          isObject(it) &&
          Object.entries(it).every(([key, value]) =>
            key === 'pairs' ? isTextMap(value) : key.startsWith('include') && typeof value === 'boolean',
          ),
      )))

const FOLDERS = ['components', 'transformers', 'generators', 'validators']

const idOf = ({ group, version, kind, namespace, name }: Described): string => `${group}/${version}/${kind}/${namespace}/${name}`

/** Reads what a start folder builds, without a process: what is missing, does not parse, is no object or is there twice. */
export const readRoot = (tree: Tree, start: string): Root => {
  const problems: Problem[] = []
  const reached = new Set<string>()
  const remote: string[] = []
  let needsBuilder = false
  let readsMore = false
  let generated: string[] | undefined
  const folders = new Set<string>()
  for (const path of tree.facts.keys())
    for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) folders.add(path.slice(0, at))

  const kustomizationIn = (folder: string): string[] => NAMES.map((name) => posix.join(folder, name)).filter((path) => tree.facts.has(path))

  const lineIn = (file: string, entry: string): number | undefined => {
    const at = tree
      .textOf(file)
      .split('\n')
      .findIndex((line) => line.includes(entry))
    return at === -1 ? undefined : at + 1
  }

  const gone = (file: string, entry: string, path: string): void => {
    const why = tree.isLeftOut(path)
      ? 'is left out of the artifact by an ignore rule'
      : path.startsWith('..')
        ? 'is outside of what is pushed'
        : 'does not exist'
    problems.push({ file, line: lineIn(file, entry), text: `${entry} ${why}` })
  }

  const manifest = (path: string): Described[] => {
    reached.add(path)
    const facts = tree.facts.get(path)
    if (facts === undefined) return []
    if (facts.error !== undefined) problems.push({ file: path, line: facts.error.line, text: facts.error.text })
    for (const { line, lacks } of facts.objects)
      if (lacks !== undefined) problems.push({ file: path, line, text: `not a Kubernetes object: it has no ${lacks}` })
    return facts.objects.filter(({ lacks, local }) => lacks === undefined && local !== true)
  }

  const twice = (file: string, found: readonly Described[]): void => {
    const seen = new Set<string>()
    for (const object of found) {
      const id = idOf(object)
      if (seen.has(id))
        problems.push({
          file,
          text: `${object.kind} ${object.namespace === '' ? '' : `${object.namespace}/`}${object.name} is there twice`,
        })
      seen.add(id)
    }
  }

  const entry = (file: string, folder: string, name: string, stack: readonly string[]): Described[] => {
    if (REMOTE.test(name)) {
      remote.push(name)
      return []
    }
    const path = posix.normalize(posix.join(folder, name)).replace(/\/$/, '')
    if (tree.facts.has(path)) return manifest(path)
    if (path === '.' || folders.has(path)) return load(path === '.' ? '' : path, stack, { file, name })
    gone(file, name, path)
    return []
  }

  const load = (folder: string, stack: readonly string[], from: { file: string; name: string }): Described[] => {
    const [file, second] = kustomizationIn(folder)
    if (stack.includes(folder)) {
      problems.push({ file: from.file, line: lineIn(from.file, from.name), text: `${from.name} leads back to where it is read from` })
      return []
    }
    if (file === undefined) {
      problems.push({ file: from.file, line: lineIn(from.file, from.name), text: `${from.name} has no kustomization.yaml` })
      return []
    }
    if (second !== undefined) problems.push({ file: second, text: `there is also ${file}` })
    reached.add(file)
    const facts = tree.facts.get(file)
    if (facts?.error !== undefined) {
      problems.push({ file, line: facts.error.line, text: facts.error.text })
      return []
    }
    const content = facts?.kustomization
    if (!isObject(content) || Object.keys(content).every((key) => ['apiVersion', 'kind', 'metadata'].includes(key))) {
      problems.push({
        file,
        line: 1,
        text: content === null || isObject(content) ? 'is empty: write "resources: []"' : 'is no kustomization',
      })
      return []
    }
    const inner = [...stack, folder]
    const lists = ['resources', 'bases']
    const unnamed = defaultNamespaceOf(content['transformers'])
    if (
      Object.keys(content).some((key) => !PLAIN.has(key) && !(key === 'transformers' && unnamed !== undefined)) ||
      !isTyped(content) ||
      lists.some(
        (key) =>
          content[key] !== undefined &&
          content[key] !== null &&
          (!Array.isArray(content[key]) || content[key].length !== strings(content[key]).length),
      )
    )
      needsBuilder = true
    readsMore ||= Object.keys(content).some((key) => !NAMED.has(key) && !(key === 'transformers' && unnamed !== undefined))
    let found = lists.flatMap((key) => strings(content[key])).flatMap((name) => entry(file, folder, name, inner))
    for (const name of FOLDERS.flatMap((key) => strings(content[key])).filter((it) => !it.includes('\n'))) entry(file, folder, name, inner)
    for (const name of otherFiles(content)) {
      const path = posix.normalize(posix.join(folder, name))
      if (REMOTE.test(name)) remote.push(name)
      else if (tree.facts.has(path)) reached.add(path)
      else gone(file, name, path)
    }
    // kustomize renames Namespaces as well
    const namespace = content['namespace']
    if (typeof namespace === 'string' && namespace !== '')
      found = found.map((object) =>
        object.kind === 'Namespace' ? { ...object, name: namespace } : CLUSTER_WIDE.has(object.kind) ? object : { ...object, namespace },
      )
    if (unnamed !== undefined)
      found = found.map((object) => (object.namespace !== '' || CLUSTER_WIDE.has(object.kind) ? object : { ...object, namespace: unnamed }))
    twice(file, found)
    return found
  }

  /** Flux makes a root of every manifest below a folder without kustomization.yaml, and of the kustomizations that it meets. */
  const generate = (folder: string): Described[] => {
    const prefix = folder === '' ? '' : `${folder}/`
    const below = [...tree.facts.keys()].filter((path) => path.startsWith(prefix))
    const kustomized = [...new Set(below.filter((path) => NAMES.includes(posix.basename(path))).map((path) => posix.dirname(path)))]
    const outermost = kustomized.filter((path) => !kustomized.some((other) => other !== path && path.startsWith(`${other}/`)))
    const files = below.filter((path) => /\.ya?ml$/.test(path) && !outermost.some((other) => path.startsWith(`${other}/`)))
    generated = [...files, ...outermost].map((path) => path.slice(prefix.length))
    const found = [...files.flatMap(manifest), ...outermost.flatMap((path) => load(path, [folder], { file: path, name: path }))]
    twice(folder === '' ? '.' : folder, found)
    return found
  }

  const folder = posix.normalize(start.replace(/^\/+/, '')).replace(/^\.\/?|\/+$/g, '')
  const isThere = folder === '' || folders.has(folder)
  if (!isThere)
    return {
      folder,
      problems: [{ file: folder, text: 'the start folder does not exist in the artifact' }],
      objects: [],
      reached,
      needsBuilder: false,
      readsMore: false,
      remote,
      generated: undefined,
    }
  const found = kustomizationIn(folder).length === 0 ? generate(folder) : load(folder, [], { file: folder, name: folder })
  return { folder, problems, objects: found, reached, needsBuilder, readsMore, remote, generated }
}
