/** Something in a file that should not leave the machine. Names keys and lines, never values. */
export interface Finding {
  readonly verdict: 'refuse' | 'warn'
  /** Only plaintext Secrets may be let through on request. */
  readonly rule: 'key' | 'secret' | 'hint'
  readonly line: number
  readonly text: string
  /** Key paths of a Secret, as `data.password`. */
  readonly keys: readonly string[]
}

const AGE_KEY = /AGE-SECRET-KEY-1[A-Z0-9]{20,}/
const PRIVATE_KEY = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/g
/** Without any of these in its bytes no text in UTF-8 holds what is found by its looks. */
export const MARKS = ['AGE-SECRET-KEY-1', 'PRIVATE KEY-----', 'Secret'] as const

const lineOf = (text: string, at: number): number => text.slice(0, at).split('\n').length

const key = (text: string, line: number): Finding => ({ verdict: 'refuse', rule: 'key', line, text, keys: [] })

/** Keys by their looks, in any file. A bare header, as documentation has it, is none. */
export const findKeys = (text: string): Finding[] => {
  const found: Finding[] = []
  const age = AGE_KEY.exec(text)
  if (age !== null) found.push(key('an age key', lineOf(text, age.index)))
  for (const match of text.matchAll(PRIVATE_KEY)) {
    const body = text
      .slice(match.index + match[0].length, match.index + 8192)
      .replaceAll(/\\[rn]|^\s*(?:Proc-Type|DEK-Info):.*$/gm, '')
      .replaceAll(/\s+/g, '')
    if (/^[A-Za-z0-9+/=]{64}/.test(body)) found.push(key('a private key', lineOf(text, match.index)))
  }
  return found
}

const SECRET = /(?:^|[\s{,])["']?kind["']?\s*:\s*["']?Secret["']?\s*(?:[,}#]|$)/m

/** A Secret by its looks, in a text whose objects cannot be told, and that nobody has encrypted. */
export const findSecret = (text: string, line: number, why: string): Finding[] => {
  const found = SECRET.exec(text)
  if (found === null || text.includes('ENC[AES256_GCM,')) return []
  return [
    {
      verdict: 'refuse',
      rule: 'secret',
      line: line + lineOf(text, found.index + found[0].indexOf('kind')) - 1,
      text: `Secret in a manifest that ${why}`,
      keys: [],
    },
  ]
}

type Plain = Readonly<Record<string, unknown>>
const isObject = (value: unknown): value is Plain => typeof value === 'object' && value !== null && !Array.isArray(value)
const has = (value: unknown): boolean => typeof value === 'string' && value !== ''

const WORDS = new Set(['placeholder', 'changeme', 'change-me', 'change_me', 'replaceme', 'replace-me', 'replace_me', 'todo', 'redacted'])

/** Whether a value holds no secret: empty, substituted later, a reference of a secret store, a word that asks to be replaced. */
const isHarmless = (value: string): boolean => {
  const word = value.trim()
  return (
    word === '' ||
    value.includes('${') ||
    /^(?:op:\/\/|vault:|ref\+|sm:\/\/|arn:aws:secretsmanager:)/.test(word) ||
    WORDS.has(word.toLowerCase()) ||
    /^x{3,}$/i.test(word) ||
    /^<[^<>]*>$/.test(word)
  )
}

const decoded = (value: string): string => {
  const plain = value.replaceAll(/\s+/g, '')
  return plain !== '' && plain.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(plain)
    ? Buffer.from(plain, 'base64').toString('utf8')
    : value
}

const leaves = (value: unknown, path: string): { path: string; value: string }[] =>
  isObject(value)
    ? Object.entries(value).flatMap(([name, inner]) => leaves(inner, `${path}.${name}`))
    : Array.isArray(value)
      ? value.flatMap((inner, index) => leaves(inner, `${path}.${index}`))
      : [{ path, value: value === null || value === undefined ? '' : String(value) }]

const plainSecret = (object: Plain, line: number): Finding[] => {
  if (object['apiVersion'] !== 'v1' || object['kind'] !== 'Secret') return []
  const fields = Object.keys(object).filter((field) => field === 'data' || field === 'stringData')
  const plain = fields
    .flatMap((field) => (isObject(object[field]) ? leaves(object[field], field) : []))
    .filter(({ value }) => !value.startsWith('ENC[AES256_GCM,'))
  if (plain.length === 0) return []
  const metadata = isObject(object['metadata']) ? object['metadata'] : {}
  const annotations = isObject(metadata['annotations']) ? metadata['annotations'] : {}
  const reason = annotations['ksail.io/plaintext-secret']
  const allowed = typeof reason === 'string' && reason.trim() !== ''
  const real = plain.some(({ path, value }) => !isHarmless(value) && !(path.startsWith('data.') && isHarmless(decoded(value))))
  const name = typeof metadata['name'] === 'string' ? metadata['name'] : 'without a name'
  return [
    {
      verdict: real && !allowed ? 'refuse' : 'warn',
      rule: 'secret',
      line,
      text: `Secret ${name} in plain text: ${plain.map(({ path }) => path).join(', ')}`,
      keys: plain.map(({ path }) => path),
    },
  ]
}

const sensitive = (value: unknown, path: string): string[] =>
  isObject(value)
    ? Object.entries(value).flatMap(([name, inner]) =>
        has(inner) &&
        /pass(word)?|token|secret|apikey|private/i.test(name) &&
        !String(inner).includes('${') &&
        !String(inner).startsWith('ENC[')
          ? [`${path}.${name}`]
          : sensitive(inner, `${path}.${name}`),
      )
    : Array.isArray(value)
      ? value.flatMap((inner, index) => sensitive(inner, `${path}.${index}`))
      : []

const hint = (text: string, line: number): Finding => ({ verdict: 'warn', rule: 'hint', line, text, keys: [] })

/** What is wrong with pushing one object of a document. */
export const judgeObject = (value: unknown, line: number): Finding[] => {
  if (!isObject(value)) return []
  const found = plainSecret(value, line)
  const kind = value['kind']
  if (typeof kind === 'string' && kind.endsWith('List') && Array.isArray(value['items']))
    found.push(...value['items'].flatMap((item) => judgeObject(item, line)))
  if (
    kind === 'Config' &&
    Array.isArray(value['users']) &&
    value['users'].some((it) => isObject(it) && isObject(it['user']) && (has(it['user']['client-key-data']) || has(it['user']['token'])))
  )
    found.push(key('a kubeconfig with credentials', line))
  if (isObject(value['auths']) && Object.values(value['auths']).some((it) => isObject(it) && has(it['auth'])))
    found.push(key('a Docker configuration with credentials', line))
  if (Array.isArray(value['secretGenerator']) && value['secretGenerator'].length > 0)
    found.push(hint('secretGenerator: what it reads is pushed too', line))
  if (kind === 'HelmRelease' && isObject(value['spec'])) {
    const keys = sensitive(value['spec']['values'], 'spec.values')
    if (keys.length > 0) found.push(hint(`values that look like secrets: ${keys.join(', ')}`, line))
  }
  return found
}
