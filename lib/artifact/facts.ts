import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { messageOf } from '../base/errors.ts'
import { readJson, writeText } from '../io/files.ts'
import { version } from '../io/version.ts'
import { isManifest, type Entry } from './files.ts'
import { readPlain } from './plain.ts'
import { findKeys, findSecret, judgeObject, MARKS, type Finding } from './secrets.ts'

/** An object of a manifest, as far as pushing it needs to know it. */
export interface Described {
  readonly line: number
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly namespace: string
  readonly name: string
  /** Never removed by the engine. */
  readonly keep?: true
  /** Read by kustomize only, not part of what it builds. */
  readonly local?: true
  /** What is missing for it to be an object. */
  readonly lacks?: string
  /** Of a Flux Kustomization: where it starts, what it reads. */
  readonly follows?: { readonly path: string; readonly kind: string; readonly source: string; readonly prune: boolean }
}

/** What is known about a file from reading it once. */
export interface Facts {
  readonly hash: string
  readonly error?: { readonly line: number; readonly text: string }
  readonly objects: readonly Described[]
  readonly findings: readonly Finding[]
  /** The content of a kustomization.yaml. */
  readonly kustomization?: unknown
}

const MAX_PARSED = 5 * 1024 * 1024

export const isKustomization = (path: string): boolean => /(^|\/)(kustomization\.ya?ml|Kustomization)$/.test(path)

type Plain = Readonly<Record<string, unknown>>
const isObject = (value: unknown): value is Plain => typeof value === 'object' && value !== null && !Array.isArray(value)
const text = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''

const describeOne = (value: unknown, line: number): Described[] => {
  if (value === null || value === undefined) return []
  if (!isObject(value)) return [{ line, group: '', version: '', kind: '', namespace: '', name: '', lacks: 'kind' }]
  const kind = text(value['kind'])
  if (kind.endsWith('List') && Array.isArray(value['items'])) return value['items'].flatMap((item) => describeOne(item, line))
  const metadata = isObject(value['metadata']) ? value['metadata'] : {}
  const annotations = isObject(metadata['annotations']) ? metadata['annotations'] : {}
  const [version = '', group = ''] = text(value['apiVersion']).split('/').toReversed()
  const name = text(metadata['name']) || (has(metadata['generateName']) ? `${text(metadata['generateName'])}*` : '')
  const lacks = kind === '' ? 'kind' : version === '' ? 'apiVersion' : name === '' ? 'metadata.name' : undefined
  const spec = isObject(value['spec']) ? value['spec'] : {}
  const source = isObject(spec['sourceRef']) ? spec['sourceRef'] : {}
  const follows = kind === 'Kustomization' && group === 'kustomize.toolkit.fluxcd.io'
  return [
    {
      line,
      group,
      version,
      kind,
      namespace: text(metadata['namespace']),
      name,
      ...(text(annotations['kustomize.toolkit.fluxcd.io/prune']).toLowerCase() === 'disabled' ? { keep: true as const } : {}),
      ...(text(annotations['config.kubernetes.io/local-config']) === 'true' ? { local: true as const } : {}),
      ...(lacks === undefined ? {} : { lacks }),
      ...(follows
        ? { follows: { path: text(spec['path']), kind: text(source['kind']), source: text(source['name']), prune: spec['prune'] === true } }
        : {}),
    },
  ]
}
const has = (value: unknown): boolean => text(value) !== ''

type Yaml = typeof import('yaml')
type Document = import('yaml').Document.Parsed

/** What is wrong with a document, at the line that a person has to look at. */
const problemOf = (yaml: Yaml, document: Document, content: string, lines: import('yaml').LineCounter): Facts['error'] => {
  const nested = document.errors.find(({ code }) => code === 'MULTILINE_IMPLICIT_KEY')
  const [first] = document.errors
  const last = content.trimEnd().split('\n').length
  if (nested !== undefined) return { line: lines.linePos(nested.pos[1]).line, text: 'a mapping is not allowed here' }
  if (first !== undefined)
    return { line: Math.min(last, lines.linePos(first.pos[0]).line), text: first.message.split('\n')[0] ?? 'no YAML' }
  if (!content.includes('{{')) return undefined
  let at: number | undefined
  // `{{ .x }}` is YAML by the letter, with a mapping as a key: no program that reads manifests takes that
  yaml.visit(document, { Pair: (_key, { key }) => (yaml.isCollection(key) ? ((at = key.range?.[0] ?? 0), yaml.visit.BREAK) : undefined) })
  return at === undefined ? undefined : { line: lines.linePos(at).line, text: 'a mapping as a key: is this a template' }
}

interface Parsed {
  readonly objects: Described[]
  readonly findings: Finding[]
  readonly values: unknown[]
  error?: Facts['error']
}

const parse = async (content: string): Promise<Parsed> => {
  const found: Parsed = { objects: [], findings: [], values: [] }
  const take = (value: unknown, line: number): void => {
    found.values.push(value)
    found.objects.push(...describeOne(value, line))
    found.findings.push(...judgeObject(value, line))
  }
  const plain = await readPlain(content)
  if (plain !== undefined) {
    for (const { value, line } of plain) take(value, line)
    return found
  }
  const yaml = await import('yaml')
  const lines = new yaml.LineCounter()
  // an alias bomb, or a nesting that no manifest has
  const fail = (cause: unknown, line: number, unread: string): void => {
    found.error ??= { line, text: messageOf(cause) }
    found.findings.push(...findSecret(unread, line, 'cannot be read'))
  }
  let documents: readonly Document[] = []
  try {
    const parsed = yaml.parseAllDocuments(content, { merge: true, lineCounter: lines, prettyErrors: false, logLevel: 'silent' })
    if (Array.isArray(parsed)) documents = parsed
  } catch (cause) {
    fail(cause, 1, content)
  }
  for (const document of documents) {
    const [start = 0, end] = document.range ?? []
    const line = Math.max(1, lines.linePos(document.contents?.range?.[0] ?? start).line)
    try {
      const error = problemOf(yaml, document, content, lines)
      found.error ??= error
      // a template is left alone
      if (error !== undefined && content.includes('{{')) break
      const value = document.toJS() as unknown
      if (found.error === undefined) take(value, line)
      else if (isObject(value) && has(value['kind'])) found.findings.push(...judgeObject(value, line))
      else found.findings.push(...findSecret(content.slice(start, end), line, 'cannot be read'))
    } catch (cause) {
      fail(cause, line, content.slice(start, end))
    }
  }
  return found
}

/** Objects of a multi-document YAML text, such as a build prints it. */
export const describeObjects = async (content: string): Promise<readonly Described[]> => (await parse(content)).objects

/** Words without which no rule about the content of other files can apply; an escape may hide any of them. */
const SUSPICIOUS = /client-key-data|users|auths|\\[uUx]/

/** UTF-16 where a mark says so, as PowerShell writes it. */
const encodingOf = (bytes: Uint8Array): 'utf-8' | 'utf-16le' | 'utf-16be' => {
  const mark = (bytes[0] ?? 0) * 256 + (bytes[1] ?? 0)
  return mark === 0xfffe ? 'utf-16le' : mark === 0xfeff ? 'utf-16be' : 'utf-8'
}

/** A text as others read it, with any ends of lines. */
const textOf = (bytes: Uint8Array): string => {
  const text = new TextDecoder(encodingOf(bytes), { ignoreBOM: true }).decode(bytes)
  return text.includes('\r') ? text.replaceAll(/\r\n?/g, '\n') : text
}

const read = async (path: string, bytes: Uint8Array, hash: string): Promise<Facts> => {
  const named = isManifest(path) || isKustomization(path)
  // a text of all of it is twice the memory of a file that may be large
  if (
    bytes.length > MAX_PARSED &&
    encodingOf(bytes) === 'utf-8' &&
    !MARKS.some((mark) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(mark))
  )
    return { hash, objects: [], findings: [] }
  const content = textOf(bytes)
  const keys = findKeys(content)
  if (named && bytes.length > MAX_PARSED)
    return { hash, objects: [], findings: [...keys, ...findSecret(content, 1, 'is too large to be read')] }
  if (bytes.length > MAX_PARSED || (!named && !(SUSPICIOUS.test(content) && /^\s*[{a-z#-]/i.test(content))))
    return { hash, objects: [], findings: keys }
  const { objects, findings, values, error } = await parse(content)
  if (!named) return { hash, objects: [], findings: [...keys, ...findings.filter(({ rule }) => rule === 'key')] }
  return {
    hash,
    // a part of a text keeps all of it in memory, which for names of more than a dozen letters was that of every file
    objects: JSON.parse(JSON.stringify(objects)) as Described[],
    findings: [...keys, ...findings],
    ...(error === undefined ? {} : { error }),
    ...(isKustomization(path) && error === undefined ? { kustomization: values[0] ?? null } : {}),
  }
}

/**
 * Reads every file of a tree, each content once: what this version of ksail has read before is remembered in a folder, so that a change of one
 * file costs one file.
 */
export const readFacts = async (entries: readonly Entry[], remember: string | undefined): Promise<ReadonlyMap<string, Facts>> => {
  const path = remember === undefined ? undefined : join(remember, 'facts.json')
  // a damaged memory costs a reading
  const known =
    path === undefined ? undefined : await readJson<{ version: string; facts: Record<string, Facts> }>(path).catch(() => undefined)
  const before = known?.version === version() ? known.facts : {}
  const after: Record<string, Facts> = {}
  const facts = new Map<string, Facts>()
  let fresh = false
  for (const { path: name, bytes } of entries) {
    const hash = createHash('sha256').update(bytes).digest('base64url')
    const memory = `${isKustomization(name) ? 'k' : isManifest(name) ? 'm' : 'f'}${hash}`
    const found = after[memory] ?? before[memory] ?? (await read(name, bytes, hash))
    fresh ||= before[memory] === undefined
    after[memory] = found
    facts.set(name, found)
  }
  if (path !== undefined && fresh) await writeText(path, JSON.stringify({ version: version(), facts: after })).catch(() => undefined)
  return facts
}
