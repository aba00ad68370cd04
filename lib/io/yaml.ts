import type { Document, LineCounter, Node } from 'yaml'
import { configError, type Place } from '../base/errors.ts'

type Path = readonly (string | number)[]

/** One document of a YAML file, with the places of its keys. */
export interface YamlDocument {
  /** Plain data. Numbers and booleans are texts as they were written: read as a number, the tag 1.10 would become 1.1. */
  readonly value: unknown
  /** Where a key stands; the nearest one above it when it has no place of its own. */
  keyPlace(path: Path): Place
  /** Where the value of a key stands. */
  valuePlace(path: Path): Place
}

type Ranged = { readonly range?: readonly [number, number, number] | null | undefined }

const places = (
  document: Document.Parsed,
  counter: LineCounter,
  file: string,
  isMap: (node: unknown) => boolean,
): Omit<YamlDocument, 'value'> => {
  const place = (node: unknown): Place | undefined => {
    const offset = (node as Ranged | undefined)?.range?.[0]
    if (offset === undefined) return undefined
    const { line, col } = counter.linePos(offset)
    return { file, line, column: col }
  }
  const pairOf = (path: Path): { readonly key: unknown; readonly value: unknown } | undefined => {
    const parent = path.length === 1 ? document.contents : (document.getIn(path.slice(0, -1), true) as Node | undefined)
    if (!isMap(parent)) return undefined
    const items = (parent as unknown as { items: { key: { value: unknown }; value: unknown }[] }).items
    return items.find(({ key }) => key.value === path.at(-1))
  }
  const keyPlace = (path: Path): Place => {
    if (path.length === 0) return place(document.contents) ?? { file }
    return place(pairOf(path)?.key ?? document.getIn(path, true)) ?? keyPlace(path.slice(0, -1))
  }
  return { keyPlace, valuePlace: (path) => place(document.getIn(path, true)) ?? keyPlace(path) }
}

/**
 * All documents of a YAML file, empty ones left out. Throws `config` with file, line and column for text that is no YAML.
 *
 * @example
 * const [document] = await parseYaml('a: 1', 'a.yaml')
 */
export const parseYaml = async (text: string, file: string): Promise<readonly YamlDocument[]> => {
  const { isMap, LineCounter, parseAllDocuments, visit } = await import('yaml')
  const counter = new LineCounter()
  const documents = parseAllDocuments(text, { lineCounter: counter, prettyErrors: false })
  if (!Array.isArray(documents)) return []
  return documents.flatMap((document) => {
    const [error] = document.errors
    if (error !== undefined) {
      const { line, col } = counter.linePos(error.pos[0])
      throw configError(
        { file, line, column: col },
        error.message.charAt(0).toLowerCase() + error.message.slice(1),
        'correct the YAML',
        'yaml',
      )
    }
    visit(document, {
      Scalar: (key, node) => {
        if (key !== 'key' && ['number', 'boolean'].includes(typeof node.value) && node.source !== undefined) node.value = node.source
      },
    })
    const value: unknown = document.toJS()
    return value === null || value === undefined ? [] : [{ value, ...places(document, counter, file, isMap) }]
  })
}
