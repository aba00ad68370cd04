/** A document of a text: its value, and the line where that begins. */
export interface Document {
  readonly line: number
  readonly value: unknown
}

const DEPTH = 64
/** Controls, carriage returns, and what some take for the end of a line or for white space: the full reader judges these. */
const STRANGE = /[^\n\t -~\u00A0-\u2027\u202A-\uFEFE\uFF00-\uFFFF]/
const KEY = /(?:([A-Za-z_$][\w./-]{0,200})|"([^"\\]{0,200})"|'([^']{0,200})'):(?: +|$)/y
const DOUBLE = /"(?:[^"\\\n\t]|\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4}))*"/y
const SINGLE = /'(?:[^'\n]|'')*'/y
const FLOW_WORD = /-?[\w/][\w./@+-]*/y
/** A line of a scalar without quotes, its comment and the spaces after it cut off. */
const WORDS = /^(?:-{1,2}[\w./]|[\w./($~^+;=\\<\u00A1-\uFFFF])(?:[^\t:]|:(?! |$))*$/
const INTEGER = /^[-+]?\d{1,15}$/
const DECIMAL = /^[-+]?\d{1,9}\.\d{1,6}$/
/** Anything else that may be a number. */
const NUMBER = /^[-+]?(?:0[xo][\da-f]+|(?:\.\d+|\d+\.?\d*)(?:e[-+]?\d+)?|\.(?:inf|nan))$/i
const CONSTANTS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ...['~', 'null', 'Null', 'NULL'].map((it) => [it, null] as const),
  ...['true', 'True', 'TRUE'].map((it) => [it, true] as const),
  ...['false', 'False', 'FALSE'].map((it) => [it, false] as const),
])

/** The value of a scalar without quotes. */
const resolve = (word: string): unknown => {
  const constant = CONSTANTS.get(word)
  if (constant !== undefined) return constant
  if (INTEGER.test(word) || DECIMAL.test(word)) return Number(word)
  return NUMBER.test(word) ? undefined : word
}

/** Without the spaces at its end: a pattern for these is quadratic. */
const trimmed = (text: string): string => {
  let end = text.length
  while (text[end - 1] === ' ') end--
  return text.slice(0, end)
}

const match = (pattern: RegExp, text: string, at: number): RegExpExecArray | null => {
  pattern.lastIndex = at
  return pattern.exec(text)
}

const put = (map: Record<string, unknown>, key: string, value: unknown): boolean => {
  if (value === undefined || key === '__proto__' || Object.hasOwn(map, key)) return false
  map[key] = value
  return true
}

/** Reads what is written in brackets or quotes, from a place in a text; undefined for what it does not know. */
const readFlow = (text: string, from: number, gap: RegExp): { readonly value: unknown; readonly end: number } | undefined => {
  let at = from
  let depth = 0
  const skip = (): void => void (at += match(gap, text, at)?.[0].length ?? 0)
  const quoted = (): string | undefined => {
    const found = match(text[at] === '"' ? DOUBLE : SINGLE, text, at)?.[0]
    if (found === undefined) return undefined
    at += found.length
    if (found[0] === "'") return found.slice(1, -1).replaceAll("''", "'")
    return found.includes('\\') ? (JSON.parse(found) as string) : found.slice(1, -1)
  }
  const word = (): string | undefined => {
    const found = match(FLOW_WORD, text, at)?.[0]
    at += found?.length ?? 0
    return found
  }
  const isQuote = (): boolean => text[at] === '"' || text[at] === "'"
  const entry = (map: Record<string, unknown>): boolean => {
    const plain = !isQuote()
    const key = plain ? word() : quoted()
    if (key === undefined || text[at] !== ':' || (plain && (text[at + 1] !== ' ' || resolve(key) !== key))) return false
    at++
    skip()
    return put(map, key, node())
  }
  const items = (close: string, item: () => boolean): boolean => {
    at++
    skip()
    if (text[at] === close) return (at++, true)
    while (item()) {
      skip()
      if (text[at] === close) return (at++, true)
      if (text[at] !== ',') return false
      at++
      skip()
    }
    return false
  }
  const node = (): unknown => {
    if (isQuote()) return quoted()
    const open = text[at]
    if (open !== '{' && open !== '[') {
      const found = word()
      return found === undefined ? undefined : resolve(found)
    }
    if (++depth > DEPTH) return undefined
    const map: Record<string, unknown> = {}
    const list: unknown[] = []
    const whole = open === '{' ? items('}', () => entry(map)) : items(']', () => list.push(node()) > 0 && list.at(-1) !== undefined)
    depth--
    return whole ? (open === '{' ? map : list) : undefined
  }
  const value = node()
  return value === undefined ? undefined : { value, end: at }
}

/**
 * The documents of a text that is plain YAML, as most manifests are: mappings, lists, scalars, blocks, JSON. Undefined for everything
 * else (anchors, tags, folded text, whatever is doubtful or wrong), which the full reader has to judge; where there is an answer it
 * is the full reader's. That one takes twenty times as long, which is most of a first push.
 */
export const readPlain = (content: string): Document[] | undefined => {
  if (STRANGE.test(content)) return undefined
  const begin = content.search(/[^ \n]/)
  if (content[begin] === '{' || content[begin] === '[') {
    const found = readFlow(content, begin, /[ \n\t]*/y)
    const whole = found !== undefined && /^[ \n]*$/.test(content.slice(found.end))
    return whole ? [{ line: content.slice(0, begin).split('\n').length, value: found.value }] : undefined
  }
  const lines = content.split('\n')
  let at = -1
  let line = ''
  /** Where what is to be read of the line begins; -1 at the end of a document. */
  let column = -1
  let depth = 0

  const next = (): void => {
    for (at++; at < lines.length; at++) {
      line = lines[at] as string
      column = line.search(/[^ ]/)
      if (line === '---') break
      if (column !== -1 && line[column] !== '#') return
    }
    column = -1
  }
  const isItem = (): boolean => line[column] === '-' && (line[column + 1] === ' ' || column + 1 === line.length)

  const block = (indent: number, strip: boolean): string | undefined => {
    const found: string[] = []
    let width = -1
    for (at++; at < lines.length; at++) {
      const text = lines[at] as string
      const spaces = text.search(/[^ ]/)
      if (spaces === -1) {
        if (text.length > Math.max(0, width)) return undefined
        found.push('')
        continue
      }
      if (width === -1) width = spaces
      if (spaces < width) break
      if (width <= indent || text[spaces] === '\t') return undefined
      found.push(text.slice(width))
    }
    if (width === -1) return undefined
    at--
    next()
    while (found.at(-1) === '') found.pop()
    if (!strip) found.push('')
    return found.join('\n')
  }

  /** What stands behind a key or a dash, and below it. */
  const value = (indent: number, isKey: boolean): unknown => {
    const first = line[column]
    if (first === undefined || first === '#') {
      next()
      if (column > indent) return node()
      return isKey && column === indent && isItem() ? node() : null
    }
    const rest = line.slice(column)
    if (first === '|') return /^\|-? *$/.test(rest) ? block(indent, rest[1] === '-') : undefined
    if ('{["\''.includes(first)) {
      const flow = readFlow(line, column, / */y)
      if (flow === undefined || !/^(?: *| +#.*)$/.test(line.slice(flow.end))) return undefined
      next()
      return flow.value
    }
    const comment = rest.indexOf(' #')
    let words = trimmed(comment === -1 ? rest : rest.slice(0, comment))
    if (!WORDS.test(words)) return undefined
    let last = at
    // deeper lines go on with it
    for (next(); column > indent; next()) {
      const more = trimmed(line.slice(column))
      if (at !== ++last || comment !== -1 || !WORDS.test(more) || more.includes(' #')) return undefined
      words += ` ${more}`
    }
    return resolve(words)
  }

  const mapping = (indent: number): unknown => {
    const map: Record<string, unknown> = {}
    do {
      const found = match(KEY, line, column)
      if (found === null || CONSTANTS.has(found[1] ?? '')) return undefined
      column = KEY.lastIndex
      if (!put(map, found[1] ?? found[2] ?? found[3] ?? '', value(indent, true))) return undefined
    } while (column === indent)
    return column > indent ? undefined : map
  }

  const sequence = (indent: number): unknown => {
    const list: unknown[] = []
    do {
      column++
      while (line[column] === ' ') column++
      const item = match(KEY, line, column) === null ? value(indent, false) : node()
      if (item === undefined) return undefined
      list.push(item)
    } while (column === indent && isItem())
    return column > indent ? undefined : list
  }

  const node = (): unknown => {
    if (++depth > DEPTH) return undefined
    const found = isItem() ? sequence(column) : mapping(column)
    depth--
    return found
  }

  const documents: Document[] = []
  for (let marked = false; ; marked = true) {
    next()
    const begin = at + 1
    const found = column === -1 ? null : column === 0 ? node() : undefined
    if (found === undefined || column !== -1) return undefined
    if (found !== null || marked) documents.push({ line: begin, value: found })
    if (at >= lines.length) return documents
  }
}
