import { describe, expect, it } from 'vitest'
import { editYaml, parseYaml, toYaml } from '../../../lib/io/yaml.ts'

describe('parseYaml', () => {
  it('gives every document with the places of its keys', async () => {
    const [first, second] = await parseYaml('a:\n  b: [x, y]\n---\n---\nc: 1\n', 'f.yaml')
    expect([first!.value, second!.value]).toEqual([{ a: { b: ['x', 'y'] } }, { c: 1 }])
    expect(first!.keyPlace(['a', 'b'])).toEqual({ file: 'f.yaml', line: 2, column: 3 })
    expect(first!.valuePlace(['a', 'b', 1])).toEqual({ file: 'f.yaml', line: 2, column: 10 })
    expect(second!.keyPlace(['c'])).toEqual({ file: 'f.yaml', line: 5, column: 1 })
    expect(first!.keyPlace(['a', 'gone'])).toEqual({ file: 'f.yaml', line: 1, column: 1 })
  })
  it('is empty for no text', async () => expect(await parseYaml('# nothing\n', 'f.yaml')).toEqual([]))
  it('names the place of what is no YAML', async () => {
    await expect(parseYaml('a: 1\nb: "x\n', 'f.yaml')).rejects.toMatchObject({ code: 'config', message: expect.stringMatching(/^f\.yaml:\d+:\d+: missing closing/) })
  })
})

describe('editYaml', () => {
  it('keeps comments, order and quotes', async () => {
    const text = '# top\na: 1 # one\nb:\n  # inside\n  c: "x"\n  e: 1\n'
    expect(await editYaml(text, [{ path: ['b', 'c'], value: 'a: b #c' }, { path: ['b', 'e'], value: undefined }, { path: ['b', 'd'], value: [] }])).toBe('# top\na: 1 # one\nb:\n  # inside\n  c: "a: b #c"\n  d: []\n')
  })
  it('starts an empty text', async () => expect(await editYaml('', [{ path: ['a', 'b'], value: 1 }])).toBe('a:\n  b: 1\n'))
})

it('does not break long lines', async () => expect(await toYaml({ a: `${'word '.repeat(40)}end` })).toBe(`a: ${'word '.repeat(40)}end\n`))
