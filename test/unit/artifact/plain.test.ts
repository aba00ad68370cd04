import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as yaml from 'yaml'
import { readFacts } from '../../../lib/artifact/facts.ts'
import { judgeContents } from '../../../lib/artifact/guards.ts'
import { readPlain } from '../../../lib/artifact/plain.ts'

/** What the full reader makes of a text; undefined where it finds fault. */
const readFully = (content: string) => {
  const lineCounter = new yaml.LineCounter()
  const documents = yaml.parseAllDocuments(content, { merge: true, lineCounter, prettyErrors: false, logLevel: 'silent' })
  if (!Array.isArray(documents) || documents.some(({ errors }) => errors.length > 0)) return undefined
  return documents.map((it) => ({
    line: lineCounter.linePos(it.contents?.range?.[0] ?? 0).line,
    value: it.toJS() as unknown,
  }))
}

/** Nobody asks for the line of nothing. */
const shown = (documents: Awaited<ReturnType<typeof readPlain>>) =>
  documents === undefined ? 'nothing' : JSON.stringify(documents.map(({ line, value }) => (value === null ? value : [line, value])))

const expectSame = async (content: string): Promise<void> => {
  const plain = await readPlain(content)
  if (plain !== undefined) expect(shown(plain)).toBe(shown(readFully(content)))
}

/** Parts, written with a dot between them. */
const oneOf = (...lines: readonly string[]) => fc.constantFrom(...lines.flatMap((line) => line.split('·')))
const words = fc.oneof(
  oneOf(
    'kind·Secret·null·true·~·1·-1·010·0x1·1.5·1.·1e3·.5·-0·1.2.3·2020-01-01·.inf·1_0·12345678901234567890·yes·x: y·x #y·#x·a:·a:b·- a·-a·--a',
    '-·---·...·· a·a ·a\nb·a\n·\na·  a\n b\n·<<·__proto__·constructor·|·>·&a·*a·!!str a·"·it\'s·\\x53·{·[a]·a,b·?·%a·@·`·é·\t·${x}·{{ x }}',
    '\u0085·\u00A0·\u2028·\uFEFF',
  ),
  fc.string({ maxLength: 8, unit: 'grapheme' }),
)
const { values } = fc.letrec<{ values: unknown }>((tie) => ({
  values: fc.oneof(
    { maxDepth: 4 },
    words,
    fc.oneof(fc.integer(), fc.double(), fc.boolean(), fc.constant(null)),
    fc.array(tie('values'), { maxLength: 4 }),
    fc.dictionary(words, tie('values'), { maxKeys: 4 }),
  ),
}))
const written = fc.oneof(
  fc
    .tuple(
      values,
      fc.record({
        indent: fc.constantFrom(2, 3, 4),
        indentSeq: fc.boolean(),
        defaultStringType: fc.constantFrom('PLAIN', 'QUOTE_DOUBLE', 'QUOTE_SINGLE', 'BLOCK_LITERAL'),
        lineWidth: fc.constantFrom(0, 40),
        collectionStyle: fc.constantFrom('any', 'block', 'flow'),
      }),
    )
    .map(([value, options]) => yaml.stringify(value, options as yaml.ToStringOptions)),
  fc.tuple(values, fc.constantFrom(undefined, 2, '\t')).map(([value, indent]) => JSON.stringify(value, undefined, indent)),
)
const piece = oneOf(
  'a: ·b:·- ·-· ·  ·    ·\n·\n  ·\n- ·\n  - ·---\n·\n---\n·...\n·# c· # c·#c·|\n·|-\n·>\n·"a"·\'b\'·"a": ·\'b\': ·{·}·[·]·, ·,·: ·:·x·1·1.5·null·~',
  'a b·&a ·*a·!!str ·? ·\t·\r\n·\r·%·@·`·"·\'·\\·\\n·\\x53·\uFEFF·<<: ·.·é·--x·\0·__proto__: ·{a: 1}·[1, a]·{"a":1}·{"a": "\\u0053"}',
  'a: |\n  x\n·- |\n  x\n·k: v\n·- k: v\n  l: w\n·  m: n\n·c:\n·c:\n- d\n·\n  go on',
)
const soup = fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join(''))
/** Documents with some characters replaced. */
const damaged = fc
  .tuple(
    fc.array(fc.oneof({ weight: 3, arbitrary: written }, soup), { minLength: 1, maxLength: 3 }),
    fc.array(fc.tuple(fc.nat(), fc.nat(3), piece), { maxLength: 3 }),
  )
  .map(([documents, changes]) =>
    changes.reduce((content, [at, length, put]) => {
      const from = at % (content.length + 1)
      return content.slice(0, from) + put + content.slice(from + length)
    }, documents.join('---\n')),
  )

const DEPLOYMENT = `# made by hand
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app.kubernetes.io/name: "web"}} # short
spec:
  replicas: 2
  template:
    spec:
      containers:
        - name: web
          image: ghcr.io/o/web:1.2.3
          args:
          - --port=80
          - -v

          - 'it''s'
          resources: {limits: {cpu: 0.5}, requests: {}}
          description: a text that goes
            on in the next line
          env: []
`
const PLAIN: Readonly<Record<string, string>> = {
  mappings: DEPLOYMENT,
  'several documents': `${DEPLOYMENT}---\n# nothing\n---\n${DEPLOYMENT}`,
  blocks: 'data:\n  a: |\n    # no comment\n    b: c\n\n      d\n  e: |-\n    f\n\n',
  'escapes of YAML alone': 'a: "\\x53ecret"\n',
  'keys of several lines': '? a\n: b\n',
  'folded text': 'a: >\n  b\n',
  JSON: JSON.stringify({ kind: 'List', items: [{ a: 'b\n"c"', d: [1, -2.5, true, null, {}] }] }, undefined, 2),
}

const LEFT: Readonly<Record<string, string>> = {
  anchors: 'a: &x 1\nb: *x\n',
  tags: 'a: !!str 1\n',
  'merged mappings': 'a:\n  <<: {b: 1}\n',
  'keys that are there twice': 'a: 1\nb: 2\na: 3\n',
  'keys twice in JSON': '{"a": 1, "a": 2}',
  'prototypes of JavaScript': '__proto__: {a: 1}\n',
  'a byte order mark': '\uFEFFa: 1\n',
  'UTF-16': Buffer.from('a: 1\n', 'utf16le').toString('utf8'),
  directives: '%YAML 1.1\n---\na: yes\n',
  'no YAML': 'a: b\n c: d\n',
}

describe('readPlain', () => {
  it.each([
    ['documents', written],
    ['almost documents', soup],
    ['damaged documents', damaged],
  ])('gives what the full reader gives, or nothing: %s', async (_, contents) => {
    await fc.assert(fc.asyncProperty(contents, expectSame), { numRuns: 1000 })
  })

  it.each(Object.entries(PLAIN))('reads %s', async (_, content) => {
    expect(await readPlain(content)).toEqual(readFully(content)?.map((it) => (it.value === null ? { ...it, line: expect.anything() } : it)))
  })

  it.each(Object.entries(LEFT))('leaves to the full reader: %s', async (_, content) => {
    expect(await readPlain(content)).toBeUndefined()
  })

  it('gives up on what is nested too deeply', async () => {
    expect(await readPlain('['.repeat(100_000))).toBeUndefined()
    expect(await readPlain(Array.from({ length: 100 }, (_line, depth) => `${' '.repeat(depth)}a:`).join('\n'))).toBeUndefined()
  })
})

describe('the guards see through each way to write YAML', () => {
  const body = 'stringData: {password: hunter22}\n'
  it.each([
    ['plainly', `kind: Secret\n${body}`],
    ['in quotes', `"kind": 'Secret'\n${body}`],
    ['by an anchor', `x-kind: &kind Secret\nkind: *kind\n${body}`],
    ['by a tag', `kind: !!str Secret\n${body}`],
    ['by an escape', `kind: "\\x53ecret"\n${body}`],
    ['by an escaped key', `"\\u006bind": Secret\n${body}`],
    ['as a key of several lines', `? kind\n: Secret\n${body}`],
    ['in the next line', `kind:\n  Secret\n${body}`],
    ['folded', `kind: >-\n  Secret\n${body}`],
    ['as a block', `kind: |-\n  Secret\n${body}`],
    ['by a merge', `<<: {kind: Secret}\n${body}`],
    ['with lines of Windows', `kind: Secret\r\n${body}`],
    ['with a value of several lines', 'kind: Secret\nstringData:\n  password: hunter22\n    and more\n'],
    ['with lines of old', `kind: Secret\n${body}`.replaceAll('\n', '\r')],
  ])('%s', async (_, text) => {
    const judge = async (content: string) =>
      judgeContents(await readFacts([{ path: 'a.yaml', bytes: Buffer.from(content), executable: false }], undefined), false).refused
    const refused = [expect.stringMatching(/^a\.yaml:3: Secret without a name in plain text: stringData\.password$/)]
    const content = `# a\n---\napiVersion: v1\n${text}`
    expect(await judge(content)).toEqual(refused)
    expect(await judge(`\uFEFF${content}`)).toEqual(refused)
    const item = `${content.slice(8).replaceAll(/^(?=.)/gm, '    ')}`
    expect(await judge(`# a\n---\nkind: List\nitems:\n  -\n${item}`)).toEqual(refused)
  })
})
