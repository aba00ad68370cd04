import { KsailError } from './errors.ts'

/** Labels of everything that ksail makes with Docker. */
export const LABELS = {
  cluster: 'io.ksail.cluster',
  role: 'io.ksail.role',
  port: 'io.ksail.port',
  project: 'io.ksail.project',
  directory: 'io.ksail.directory',
} as const

/** Label of nodes on which nothing runs. */
export const SIMULATED = 'ksail.io/simulated'

const problems = {
  length: 'is longer than 63 characters',
  charset: 'has other characters than a-z, 0-9 and -',
  start: 'does not begin with a letter',
  end: 'ends with -',
} as const

const problemOf = (name: string): keyof typeof problems | undefined => {
  if (name.length > 63) return 'length'
  if (!/^[a-z0-9-]*$/.test(name)) return 'charset'
  if (!/^[a-z]/.test(name)) return 'start'
  return name.endsWith('-') ? 'end' : undefined
}

/**
 * The name of a cluster as it was given; undefined when it is empty, which means the default. Throws `usage` for any other text.
 *
 * @example
 * validateName('my-cluster') // 'my-cluster'
 */
export const validateName = (name: string): string | undefined => {
  if (name === '') return undefined
  const reason = problemOf(name)
  if (reason === undefined) return name
  throw new KsailError('usage', `the cluster name "${name}" ${problems[reason]}`, {
    reason,
    hint: 'use a letter first, then letters, digits and -, all lower case, as in my-cluster',
  })
}

/** A folder's name as the name of a cluster: lower case, other characters become `-`. */
export const nameOfFolder = (folder: string): string =>
  folder
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 63)
    .replace(/^-+|-+$/g, '')

/** Container and volume of a cluster's registry. */
export const registryName = (cluster: string): string => `${cluster}-local-registry`

/** Container of a pull-through mirror, and where nodes reach it. */
export const mirrorName = (cluster: string, host: string): string => `${cluster}-${host.replaceAll(':', '-')}`
export const mirrorEndpoint = (cluster: string, host: string): string => `http://${mirrorName(cluster, host)}:5000`

/** Nodes as kind names them: the first of a role has no number. */
export const nodeName = (cluster: string, role: 'control-plane' | 'worker', number = 1): string =>
  `${cluster}-${role}${number === 1 ? '' : number}`

const contextPrefixes = { Vanilla: 'kind-', Talos: 'admin@' } as const

/** The kubeconfig context of a cluster that ksail made. */
export const contextName = (distribution: string, cluster: string): string =>
  `${contextPrefixes[distribution as keyof typeof contextPrefixes] ?? ''}${cluster}`

/** Whose context it is; throws `usage` when the form is none of ours. */
export const clusterOfContext = (context: string): { readonly distribution: string; readonly cluster: string } => {
  const known = Object.entries(contextPrefixes).find(([, prefix]) => context.startsWith(prefix))
  if (known === undefined)
    throw new KsailError('usage', `the context "${context}" is not one of a cluster that ksail makes`, {
      reason: 'unknown',
      hint: 'pass --name',
    })
  const cluster = context.slice(known[1].length)
  if (cluster === '')
    throw new KsailError('usage', `the context "${context}" names no cluster`, { reason: 'empty-name', hint: 'pass --name' })
  return { distribution: known[0], cluster }
}

/**
 * The repository of a project that names none: its source directory, relative to the project; one outside contributes its last name only.
 *
 * @example
 * repositoryName('/home/me/proj', './k8s') // 'k8s'
 */
export const repositoryName = (project: string, source: string): string => {
  const clean = (path: string): string[] => {
    const out: string[] = []
    for (const part of path.replaceAll('\\', '/').split('/')) {
      if (part === '..') out.pop()
      else if (part !== '' && part !== '.') out.push(part)
    }
    return out
  }
  const text = source.trim().replaceAll('\\', '/')
  const base = clean(project)
  const absolute = text.startsWith('/') || /^[a-z]:\//i.test(text)
  const parts = clean(absolute ? text : `${project}/${text}`)
  const inside = base.every((part, index) => parts[index] === part)
  const name = inside ? parts.slice(base.length).join('/') : (parts.at(-1) ?? '')
  const slug = (it: string): string => it.replace(/^-+|-+$/g, '')
  return slug(slug(name.toLowerCase().replace(/[^a-z0-9]+/g, '-')).slice(0, 63)) || 'ksail-workloads'
}

/** The folder of the artifact in which the engine starts, cleaned and with a leading `./`. Throws `config` when it leads out of the artifact. */
export const syncPath = (text: string): string => {
  const wrong = (): KsailError =>
    new KsailError('config', `spec.workload.kustomizationFile: "${text}" is not a folder inside the artifact`, {
      reason: 'path',
      hint: 'name a folder below the source directory, as clusters/local',
    })
  const path = text.trim()
  if (path.startsWith('/') || path.includes('\\') || /^[a-z]:/i.test(path)) throw wrong()
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') {
      if (parts.pop() === undefined) throw wrong()
    } else if (part !== '' && part !== '.') parts.push(part)
  }
  return `./${parts.join('/')}`
}
