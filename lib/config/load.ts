import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { readdir } from 'node:fs/promises'
import { KsailError } from '../base/errors.ts'
import type { Context } from '../base/context.ts'
import { expandPlaceholders } from '../base/placeholders.ts'
import { exists, readText } from '../io/files.ts'
import { parseYaml, type YamlDocument } from '../io/yaml.ts'
import { at } from './expand.ts'

/** One document of ksail.yaml or of a `ksail.*.yaml` beside it: one cluster. */
export interface ClusterDocument {
  /** Absolute. */
  readonly file: string
  /** Whether it stands in the file that was found, not in one beside it. */
  readonly main: boolean
  readonly yaml: YamlDocument
  /** Its `metadata.name`. */
  readonly name: string | undefined
}

export interface Loaded {
  /** Absolute folder of the file, else the working directory. */
  readonly directory: string
  readonly file: string | undefined
  readonly documents: readonly ClusterDocument[]
}

/** A path as a person in this working directory would write it. */
export const shownPath = (path: string, cwd: string): string => {
  const short = relative(cwd, path)
  return short === '' ? '.' : short.startsWith('..') || isAbsolute(short) ? path : short
}

/** ksail.yaml in the working directory, else in the nearest folder above it up to the repository's root. None of the home directory. */
const findUpwards = async ({ cwd, env }: Pick<Context, 'cwd' | 'env'>): Promise<string | undefined> => {
  if (await exists(join(cwd, 'ksail.yaml'))) return join(cwd, 'ksail.yaml')
  const above: string[] = []
  for (let folder = cwd; ; folder = dirname(folder)) {
    above.push(folder)
    if (await exists(join(folder, '.git'))) break
    // outside of a repository nothing says where the project ends
    if (dirname(folder) === folder) return undefined
  }
  for (const folder of above) if (folder !== env['HOME'] && (await exists(join(folder, 'ksail.yaml')))) return join(folder, 'ksail.yaml')
  return undefined
}

interface Head {
  readonly apiVersion?: unknown
  readonly kind?: unknown
  readonly metadata?: { readonly name?: unknown } | null
  readonly spec?: { readonly cluster?: unknown; readonly workload?: unknown } | null
}

/** Whether a document beside ksail.yaml is a cluster's: one that only has the name, such as ksail.values.yaml, is somebody else's. */
const isCluster = (value: Head | null): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (value.apiVersion === undefined
    ? value.kind === 'Cluster' || value.spec?.cluster !== undefined || value.spec?.workload !== undefined
    : String(value.apiVersion).startsWith('ksail.io/'))

const documentsOf = async (
  file: string,
  main: boolean,
  { cwd, env }: Pick<Context, 'cwd' | 'env'>,
): Promise<readonly ClusterDocument[]> => {
  const text = await readText(file)
  if (text === undefined) return []
  const documents = await parseYaml(text, shownPath(file, cwd))
  return documents.flatMap((yaml) => {
    const value = yaml.value as Head
    if (!main && !isCluster(value)) return []
    const given = typeof value === 'object' ? value.metadata?.name : undefined
    const text = typeof given === 'string' || typeof given === 'number' ? String(given).trim() : ''
    const name = text === '' ? undefined : at(yaml.valuePlace(['metadata', 'name']), () => expandPlaceholders(text, env, 'metadata.name'))
    return [{ file, main, yaml, name }]
  })
}

interface FoundFile {
  /** Absolute. */
  readonly file: string
  /** Named by the user: only this file counts. */
  readonly exact: boolean
}

const findFile = async (config: string | undefined, ctx: Context): Promise<FoundFile | undefined> => {
  const [given, from] = config?.trim() ? [config.trim(), '--config'] : [ctx.env['KSAIL_CONFIG']?.trim() || undefined, 'KSAIL_CONFIG']
  if (given === undefined) {
    const file = await findUpwards(ctx)
    return file === undefined ? undefined : { file, exact: false }
  }
  const file = resolve(ctx.cwd, given)
  if (!(await exists(file)))
    throw new KsailError('config', `there is no file ${given}`, { hint: `correct ${from}, or run ksail cluster init` })
  return { file, exact: true }
}

/** Absolute path of the configuration that counts; undefined when there is none. One that is named and missing is `config`. */
export const findConfigFile = async ({ config }: { readonly config?: string | undefined }, ctx: Context): Promise<string | undefined> =>
  (await findFile(config, ctx))?.file

/** Finds and reads the configuration: `--config`, else KSAIL_CONFIG, which are exact, else ksail.yaml upwards with the `ksail.*.yaml` beside it. */
export const loadDocuments = async (config: string | undefined, ctx: Context): Promise<Loaded> => {
  const found = await findFile(config, ctx)
  if (found === undefined) return { directory: ctx.cwd, file: undefined, documents: [] }
  const { file, exact } = found
  const directory = dirname(file)
  const beside = exact ? [] : (await readdir(directory)).filter((name) => /^ksail\..+\.ya?ml$/.test(name)).toSorted()
  const all = await Promise.all([documentsOf(file, true, ctx), ...beside.map((name) => documentsOf(join(directory, name), false, ctx))])
  return { directory, file, documents: all.flat() }
}

/** How a document is named in lists: `prod (ksail.prod.yaml)`. */
export const titleOf = ({ name, file }: ClusterDocument, fallback: string): string => `${name ?? fallback} (${basename(file)})`
