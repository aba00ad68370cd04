import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  realpathSync,
  statSync,
  type Dirent,
  type Stats,
} from 'node:fs'
import { join, relative, sep } from 'node:path'
import ignore, { type Ignore } from 'ignore'
import { KsailError, messageOf, usageError } from '../base/errors.ts'

/** A file of an artifact: its name inside, its bytes, whether its owner may run it. */
export interface Entry {
  readonly path: string
  readonly bytes: Uint8Array
  readonly executable: boolean
}

/** A file that is still to be read: nobody has to keep the bytes of all of them twice. */
export interface Found {
  readonly path: string
  readonly size: number
  readonly executable: boolean
  /** Reads all of it into a place of that size. Throws `refused`, reason `changing`, when it is no longer what was found. */
  read(into: Uint8Array): void
}

export interface Selection {
  /** In the order of the bytes of their names. */
  readonly files: readonly Found[]
  /** Left out, and worth a line: denied files, links to directories, pipes. */
  readonly warned: readonly { readonly path: string; readonly why: string }[]
  /** Left out by the ignore rules. */
  readonly ignored: readonly string[]
}

const MAX_BYTES = 100 * 1024 * 1024
const MAX_FILES = 50_000

const DENIED_FOLDERS = new Set(['.git', '.kube', '.docker'])
const DENIED_FILES =
  /^(\.env|\.env\..*|\.envrc|.*\.agekey|id_rsa|id_dsa|id_ecdsa|id_ed25519|kubeconfig|.*\.kubeconfig|\.npmrc|\.netrc|.*\.tfstate|.*\.tfstate\..*|.*\.dec\..*)$/s

const DEFAULTS = [
  '.gitignore',
  '.gitmodules',
  '.gitattributes',
  '.sourceignore',
  '.ksailignore',
  // the project's own configuration says how to push, and may hold a login
  '/ksail.yaml',
  '/ksail.*.yaml',
  '.ksail/',
  '.github/',
  '.circleci/',
  '.travis.yml',
  '.gitlab-ci.yml',
  '.goreleaser.yml',
  '.flux.yaml',
  '.sops.yaml',
  'node_modules/',
  '.DS_Store',
  '*.swp',
  '*.swo',
  '*~',
  '.#*',
  '*.pem',
  '*.key',
  '*.p12',
  '*.pfx',
  '*.jpg',
  '*.jpeg',
  '*.gif',
  '*.png',
  '*.wmv',
  '*.flv',
  '*.tar.gz',
  '*.zip',
]

/** Whether a file is a manifest by its name. */
export const isManifest = (path: string): boolean => /\.(ya?ml|json)$/i.test(path)

const isDenied = (name: string, siblings: ReadonlySet<string>, folder: boolean): boolean =>
  folder
    ? DENIED_FOLDERS.has(name)
    : DENIED_FILES.test(name) || DENIED_FOLDERS.has(name) || (name === 'keys.txt' && siblings.has('.sops.yaml'))

/** Patterns of an ignore file below the root, rewritten so that they count from the root: one list, the last match wins. */
const anchored = (text: string, folder: string): string[] =>
  text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => {
      if (folder === '') return line
      const [, not, pattern] = /^(!?)(.*)$/s.exec(line) as unknown as [string, string, string]
      const base = folder.replaceAll(/[\\*?[\]!# ]/g, '\\$&')
      return /\/./.test(pattern.replace(/\s+$/, '')) ? `${not}/${base}/${pattern.replace(/^\//, '')}` : `${not}/${base}/**/${pattern}`
    })

const rules = (patterns: readonly string[]): Ignore => ignore({ ignorecase: false }).add(patterns as string[])

/** Reads through one handle, so that what was checked is what is read. */
const readInto = (path: string, name: string, into: Uint8Array): void => {
  const handle = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0))
  try {
    const before = fstatSync(handle)
    if (!before.isFile()) throw new KsailError('refused', `${name} is no longer a regular file`)
    let read = 0
    for (let more = -1; more !== 0 && read < into.length; read += more) more = readSync(handle, into, read, into.length - read, null)
    const after = fstatSync(handle)
    if (read !== after.size || into.length !== after.size || before.mtimeMs !== after.mtimeMs)
      throw new KsailError('refused', `${name} changes while it is read`, { reason: 'changing', hint: 'push again when it is written' })
  } finally {
    closeSync(handle)
  }
}

const inside = (root: string, path: string): boolean => path === root || path.startsWith(root.endsWith(sep) ? root : root + sep)

const compareBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** Where a directory of manifests really is. Throws `usage` for one that is not there or cannot be read. */
export const openRoot = (source: string): string => {
  try {
    const root = realpathSync(source)
    if (!statSync(root).isDirectory())
      throw usageError(`${source} is not a directory`, 'name the directory of the manifests with --path or --source-directory')
    return root
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw usageError(`the directory ${source} does not exist`, 'create it, or name another one with --path or --source-directory')
    if (code === 'EACCES' || code === 'EPERM')
      throw usageError(`the directory ${source} cannot be read: ${messageOf(error)}`, 'give yourself the right to read it')
    if (code === 'ELOOP') throw usageError(`${source} is a link that leads to itself`, 'name a directory')
    throw error
  }
}

/**
 * What of a directory goes into the artifact: every regular file, minus the ignore rules, minus what is never packed.
 * Throws for a directory without manifests, an empty manifest, and a link that leaves the directory.
 *
 * @example
 * selectFiles('k8s').files.map(({ path }) => path)
 */
export const selectFiles = (source: string): Selection => {
  const root = openRoot(source)
  const files: Found[] = []
  const warned: { path: string; why: string }[] = []
  const ignored: string[] = []
  let total = 0

  /** What the system says of a path that was there a moment ago. */
  const unread = (name: string, error: unknown): KsailError => {
    const path = join(source, name)
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      return usageError(`${path} cannot be read: ${messageOf(error)}`, 'give yourself the right to read it, or name it in .sourceignore')
    // what stands for bytes that are no text names nothing
    return name.includes('\uFFFD')
      ? usageError(`${path}: its name is not UTF-8`, 'rename it')
      : new KsailError('refused', `${path} was removed while it was read`, { reason: 'changing', hint: 'push again when all is written' })
  }

  const tried = <T>(name: string, work: () => T): T => {
    try {
      return work()
    } catch (error) {
      throw error instanceof KsailError ? error : unread(name, error)
    }
  }

  const take = (path: string, name: string, { size, mode }: Stats): void => {
    if (/\\|\.\.\//.test(name))
      throw new KsailError('refused', `${name}: Flux unpacks no name with a backslash, and no folder whose name ends with ..`, {
        hint: 'rename it, or name it in .sourceignore',
      })
    if (size > MAX_BYTES)
      throw new KsailError('refused', `${name} has ${Math.round(size / 1e6)} MB`, { hint: 'leave it out with a line in .sourceignore' })
    total += size
    if (total > MAX_BYTES)
      throw new KsailError('refused', `${source} holds more than ${MAX_BYTES / 1024 / 1024} MiB`, {
        hint: 'leave files out with .sourceignore',
      })
    if (files.length >= MAX_FILES)
      throw new KsailError('refused', `${source} holds more than ${MAX_FILES} files`, { hint: 'leave files out with .sourceignore' })
    files.push({
      path: name,
      size,
      executable: (mode & 0o100) !== 0,
      read: (into) => tried(name, () => readInto(path, name, into)),
    })
  }

  const link = (path: string, name: string): void => {
    let real: string
    try {
      real = realpathSync(path)
    } catch {
      throw new KsailError('refused', `${name} is a link to nothing`, { hint: 'remove the link, or name it in .sourceignore' })
    }
    if (!inside(root, real))
      throw new KsailError('refused', `${name} is a link that leaves ${source}`, {
        hint: 'copy the file, or name the link in .sourceignore',
      })
    const parts = relative(root, real).split(sep)
    const siblings = new Set(['keys.txt'].includes(parts.at(-1) ?? '') ? readdirSync(join(real, '..')) : [])
    const stats = statSync(real)
    if (stats.isDirectory()) warned.push({ path: name, why: 'a link to a directory is not followed' })
    else if (parts.some((part, index) => isDenied(part, siblings, index < parts.length - 1)))
      warned.push({ path: name, why: 'leads to a file that is never packed' })
    else if (!stats.isFile()) warned.push({ path: name, why: 'not a regular file' })
    else take(real, name, stats)
  }

  const walk = (folder: string, patterns: readonly string[], parent: Ignore): void => {
    const here = folder === '' ? root : join(root, folder)
    const entries: Dirent[] = tried(folder, () => readdirSync(here, { withFileTypes: true }))
    const names = new Set(entries.map(({ name }) => name))
    const own = ['.sourceignore', '.ksailignore'].filter((name) => entries.some((entry) => entry.name === name && entry.isFile()))
    const all =
      own.length === 0 ? patterns : [...patterns, ...own.flatMap((name) => anchored(readFileSync(join(here, name), 'utf8'), folder))]
    const filter = own.length === 0 ? parent : rules(all)
    for (const entry of entries) {
      const name = folder === '' ? entry.name : `${folder}/${entry.name}`
      const isFolder = entry.isDirectory()
      if (isDenied(entry.name, names, isFolder)) warned.push({ path: isFolder ? `${name}/` : name, why: 'is never packed' })
      else if (filter.ignores(isFolder ? `${name}/` : name)) ignored.push(isFolder ? `${name}/` : name)
      else if (isFolder) walk(name, all, filter)
      else if (entry.isSymbolicLink()) link(join(here, entry.name), name)
      else if (!entry.isFile()) warned.push({ path: name, why: 'not a regular file' })
      else {
        const path = join(here, entry.name)
        take(
          path,
          name,
          tried(name, () => lstatSync(path)),
        )
      }
    }
  }

  walk('', DEFAULTS, rules(DEFAULTS))
  files.sort((a, b) => compareBytes(a.path, b.path))
  const empty = files.filter(({ path, size }) => isManifest(path) && size === 0)
  if (empty.length > 0)
    throw new KsailError('refused', `${empty.map(({ path }) => path).join(', ')}: empty manifest`, {
      hint: 'write it, or remove it: an editor may be saving it at this moment',
    })
  if (!files.some(({ path }) => isManifest(path)))
    throw usageError(
      `${source} holds no manifest (no .yaml, .yml or .json file is left after the ignore rules)`,
      'add a kustomization.yaml; an artifact without manifests would remove everything',
    )
  return { files, warned: warned.toSorted((a, b) => compareBytes(a.path, b.path)), ignored: ignored.toSorted(compareBytes) }
}
