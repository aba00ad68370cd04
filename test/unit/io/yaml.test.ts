import { describe, expect, it } from 'vitest'
import { parseYaml } from '../../../lib/io/yaml.ts'

describe('parseYaml', () => {
  it('gives every document with the places of its keys', async () => {
    const [first, second] = await parseYaml('a:\n  b: [x, y]\n---\n---\nc: 1\n', 'f.yaml')
    expect([first!.value, second!.value]).toEqual([{ a: { b: ['x', 'y'] } }, { c: '1' }])
    expect(first!.keyPlace(['a', 'b'])).toEqual({ file: 'f.yaml', line: 2, column: 3 })
    expect(first!.valuePlace(['a', 'b', 1])).toEqual({ file: 'f.yaml', line: 2, column: 10 })
    expect(second!.keyPlace(['c'])).toEqual({ file: 'f.yaml', line: 5, column: 1 })
    expect(first!.keyPlace(['a', 'gone'])).toEqual({ file: 'f.yaml', line: 1, column: 1 })
  })
  it('leaves numbers and booleans as they were written', async () => {
    const [document] = await parseYaml('a: 1.10\nb: [0755, True, ~, "2"]\n3: x\n', 'f.yaml')
    expect(document!.value).toEqual({ a: '1.10', b: ['0755', 'True', null, '2'], 3: 'x' })
  })
  it('is empty for no text', async () => expect(await parseYaml('# nothing\n', 'f.yaml')).toEqual([]))
  it('names the place of what is no YAML', async () => {
    await expect(parseYaml('a: 1\nb: "x\n', 'f.yaml')).rejects.toMatchObject({
      code: 'config',
      message: expect.stringMatching(/^f\.yaml:\d+:\d+: missing closing/),
    })
  })
})
