/** A document of a text: its value, and the line where that begins. */
export interface Document {
  readonly line: number
  readonly value: unknown
}

type Reader = (content: string) => readonly Document[] | undefined

/** What one reader takes otherwise than the other: templates, merges, tabs, ends of lines that are none, prototypes, marks that are none. */
const DOUBTFUL = /\{\{|<<["']?\s*:|^ +---|^ *\.\.\.|[\t\r\u0085\u2028\u2029\uFEFF]|__proto__/m

const load = async (): Promise<Reader> => {
  const { constructFromEvents, CORE_SCHEMA, EVENT_ID, mapTag, parseEvents } = await import('js-yaml')
  const addPair: typeof mapTag.addPair = (map, key, value) =>
    typeof key === 'string' ? mapTag.addPair(map, key, value) : 'a key that is no text'
  const schema = CORE_SCHEMA.withTags({ ...mapTag, addPair })
  return (content) => {
    if (DOUBTFUL.test(content)) return undefined
    try {
      const events = parseEvents(content, {})
      const starts: (number | undefined)[] = []
      for (const [index, event] of events.entries()) {
        if (event.type === EVENT_ID.ALIAS || ('tagStart' in event && (event.tagStart !== -1 || event.anchorStart !== -1))) return undefined
        if (event.type !== EVENT_ID.DOCUMENT) continue
        if (event.directives.length > 0) return undefined
        const root = events[index + 1]
        starts.push(root !== undefined && 'start' in root ? root.start : undefined)
      }
      const values = constructFromEvents(events, { source: content, schema })
      // a document that is no mapping and no list is nothing that a manifest has
      if (values.some((value, index) => value !== null && starts[index] === undefined)) return undefined
      let [line, at] = [1, 0]
      return values.map((value, index) => {
        for (const start = starts[index] ?? at; at < start; at++) if (content[at] === '\n') line++
        return { line, value }
      })
    } catch {
      // what is wrong with it is the full reader's to say
      return undefined
    }
  }
}

let reader: Promise<Reader> | undefined

/**
 * The documents of a text that is plain YAML or JSON, as most manifests are, by a reader that keeps no places and is four times as fast,
 * which is most of a first push. Undefined for everything else (anchors, tags, merges, templates, whatever is wrong), which the full
 * reader judges; where there is an answer it is the full reader's.
 */
export const readPlain = async (content: string): Promise<readonly Document[] | undefined> => (await (reader ??= load()))(content)
