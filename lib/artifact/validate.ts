import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Context } from '../base/context.ts'
import { ExecError, isKsailError, messageOf } from '../base/errors.ts'
import { makeFolder, readJson, writeText } from '../io/files.ts'
import { privateFolder } from '../io/private.ts'
import { builderStamp, buildKustomization } from '../tools/kubectl.ts'
import { describeObjects, type Described, type Facts } from './facts.ts'
import type { Entry } from './files.ts'
import { readRoot, type Problem, type Root, type Tree } from './kustomize.ts'

/** What an artifact makes of a cluster: the objects of its start folder and of the Flux Kustomizations that they bring. */
export interface Built {
  readonly problems: readonly Problem[]
  readonly objects: readonly Described[]
  /** What could not be judged, as sentences. */
  readonly notes: readonly string[]
  /** Manifests that no kustomization names, although one that is built lies beside them or above: most likely forgotten. */
  readonly forgotten: readonly string[]
  /** Nothing of it is unknown: all of it could be read or built here. */
  readonly whole: boolean
  /** Folders of the artifact where it starts. */
  readonly folders: ReadonlySet<string>
  /** Changes with every file that none of it reads. */
  readonly rest: string
}

interface ValidateOptions {
  readonly entries: readonly Entry[]
  readonly facts: ReadonlyMap<string, Facts>
  readonly start: string
  /** Paths that ignore rules left out. */
  readonly leftOut?: readonly string[] | undefined
  /** Folder that remembers what was built before. */
  readonly remember: string | undefined
}

const KEPT = 200

const KUSTOMIZATION = /(?:^|\/)(?:kustomization\.ya?ml|Kustomization)$/

/** Manifests that nothing builds, where the next kustomization above is built; what another one names is for that one's start folder. */
const forgottenIn = (tree: Tree, reached: ReadonlySet<string>): readonly string[] => {
  const kustomizations = [...tree.facts.keys()].filter((path) => KUSTOMIZATION.test(path))
  const built = new Map(kustomizations.map((path) => [dirname(path), reached.has(path)]))
  // beside the configuration of the project lie those of other programs, which are no manifests
  const isProject = tree.isLeftOut('ksail.yaml')
  const others = kustomizations.filter((path) => !reached.has(path)).map((path) => tree.textOf(path))
  const above = (folder: string): boolean => built.get(folder) ?? (folder !== '.' && above(dirname(folder)))
  return [...tree.facts].flatMap(([path, { objects }]) =>
    reached.has(path) ||
    (isProject && dirname(path) === '.') ||
    !objects.some(({ lacks, local }) => lacks === undefined && local !== true) ||
    !above(dirname(path)) ||
    others.some((text) => text.includes(basename(path)))
      ? []
      : [path],
  )
}

/** What a build depends on: the program that builds, the folder, and the content of every file that it reads. */
const keyOf = (root: Root, facts: ReadonlyMap<string, Facts>, builder: string): string => {
  const hash = createHash('sha256').update(`${builder}\n${root.folder}\n`)
  for (const path of [...(root.readsMore ? facts.keys() : root.reached)].toSorted()) hash.update(`${path} ${facts.get(path)?.hash ?? ''}\n`)
  return hash.digest('base64url')
}

const hashOfRest = (facts: ReadonlyMap<string, Facts>, reached: ReadonlySet<string>): string => {
  const hash = createHash('sha256')
  for (const [path, fact] of facts) if (!reached.has(path)) hash.update(`${path} ${fact.hash}\n`)
  return hash.digest('base64url')
}

/** Generated names end with a hash of their content: without it a change is a change and no removal. */
export const unhashed = <T extends Pick<Described, 'kind' | 'name'>>(object: T): T =>
  object.kind === 'ConfigMap' || object.kind === 'Secret'
    ? { ...object, name: object.name.replace(/-[2456789bcdfghkmt]{10}$/, '') }
    : object

const NOISE = /^(# Warning|error: )/

const complaint = (error: ExecError, stage: string, folder: string): Problem => {
  const lines = error.result.stderr.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'))
  const text = lines.join(' ').replaceAll(`${stage}/`, '').replaceAll(stage, '.').replace(NOISE, '').trim()
  return { file: join(folder, 'kustomization.yaml'), text: text === '' ? 'does not build' : text }
}

/**
 * Builds what the engine would build, from the start folder on. Plain reading judges most trees; kustomize itself is started only for a
 * folder that needs it, and once for the same files.
 */
export const buildTree = async ({ entries, facts, start, leftOut = [], remember }: ValidateOptions, ctx: Context): Promise<Built> => {
  const bytes = new Map(entries.map((entry) => [entry.path, entry.bytes]))
  const tree: Tree = {
    facts,
    textOf: (path) => Buffer.from(bytes.get(path) ?? []).toString('utf8'),
    isLeftOut: (path) => leftOut.some((it) => it === path || (it.endsWith('/') && `${path}/`.startsWith(it))),
  }
  const memory = remember === undefined ? undefined : join(remember, 'builds.json')
  const known = new Map(
    Object.entries((memory === undefined ? undefined : await readJson<Record<string, Described[]>>(memory).catch(() => undefined)) ?? {}),
  )
  const problems: Problem[] = []
  const notes: string[] = []
  const objects: Described[] = []
  const seen = new Set<string>()
  const reached = new Set<string>()
  let learnt = false
  let whole = true
  let readsMore = false
  let staged: Promise<{ path: string; remove(): Promise<void> }> | undefined

  const stage = async (root: Root): Promise<string> => {
    staged ??= (async () => {
      const folder = await privateFolder(ctx, 'build')
      await Promise.all([...new Set(entries.map(({ path }) => dirname(join(folder.path, path))))].map((path) => makeFolder(path)))
      await Promise.all(entries.map(({ path, bytes: content }) => writeFile(join(folder.path, path), content)))
      return folder
    })()
    const { path } = await staged
    if (root.generated !== undefined)
      await writeFile(join(path, root.folder, 'kustomization.yaml'), JSON.stringify({ resources: root.generated }))
    return path
  }

  const build = async (root: Root): Promise<readonly Described[]> => {
    let folder = ''
    try {
      const key = keyOf(root, facts, await builderStamp(ctx))
      const before = known.get(key)
      if (before !== undefined) return before
      folder = await stage(root)
      const built = (await describeObjects(await buildKustomization(ctx, join(folder, root.folder)))).map((it) => unhashed(it))
      known.set(key, built)
      learnt = true
      return built
    } catch (error) {
      whole = false
      if (isKsailError(error, 'tool')) notes.push(`${root.folder || '.'} was not built: ${messageOf(error)}`)
      else if (error instanceof ExecError) problems.push(complaint(error, folder, root.folder))
      else throw error
      return root.objects
    }
  }

  const visit = async (folder: string, required: boolean, removes: boolean): Promise<void> => {
    const root = readRoot(tree, folder)
    if (seen.has(root.folder)) return
    seen.add(root.folder)
    for (const path of root.reached) reached.add(path)
    readsMore ||= root.readsMore
    if (!required && root.problems.some(({ text }) => text.startsWith('the start folder'))) {
      notes.push(`${root.folder || '.'}, where a Kustomization starts, is not in the artifact`)
      return
    }
    problems.push(...root.problems)
    if (root.problems.length > 0 || root.remote.length > 0) whole = false
    if (root.remote.length > 0) notes.push(`not checked, because it is fetched from elsewhere: ${root.remote.join(', ')}`)
    const found = root.needsBuilder && root.problems.length === 0 && root.remote.length === 0 ? await build(root) : root.objects
    objects.push(...found.map((object) => (removes ? object : { ...object, keep: true as const })))
    const own = new Set(found.filter(({ kind }) => kind === 'OCIRepository').map(({ name }) => name))
    const next = found.flatMap(({ follows }) =>
      follows !== undefined && follows.kind === 'OCIRepository' && !own.has(follows.source) && !follows.path.includes('${')
        ? [follows]
        : [],
    )
    await Promise.all(next.map(({ path, prune }) => visit(path, false, removes && prune)))
  }

  try {
    await visit(start, true, true)
  } finally {
    await (await staged?.catch(() => undefined))?.remove()
  }
  if (memory !== undefined && learnt)
    await writeText(memory, JSON.stringify(Object.fromEntries([...known].slice(-KEPT)))).catch(() => undefined)
  const forgotten = whole && !readsMore ? forgottenIn(tree, reached) : []
  return { problems, objects, notes, forgotten, whole, folders: seen, rest: hashOfRest(facts, reached) }
}
