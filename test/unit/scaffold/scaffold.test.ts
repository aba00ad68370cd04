import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { assetRoot } from '../../../lib/io/host.ts'
import { editYaml } from '../../../lib/scaffold/edit.ts'
import { templates } from '../../../lib/scaffold/layers.ts'

it('has templates that are valid files on their own', async () => {
  const root = join(assetRoot(), 'templates')
  const files = (await readdir(root, { recursive: true })).filter((path) => path.endsWith('.yaml'))
  expect(files.length).toBeGreaterThan(7)
  for (const path of files)
    for (const document of parseAllDocuments(await readFile(join(root, path), 'utf8')))
      expect([path, document.errors, document.toJS()?.kind]).toEqual([path, [], expect.any(String)])
})

it('lays distribution and engine over the base; None adds nothing', async () => {
  const none = [...(await templates({ distribution: 'Vanilla', engine: 'None' })).keys()]
  expect(none).toContain('.gitignore')
  expect([...(await templates({ distribution: 'Vanilla', engine: 'Flux' })).keys()].filter((path) => !none.includes(path))).toEqual([
    'flux/kustomization.yaml',
    'flux/oci-repository.yaml',
  ])
})

it('sets values by path and keeps the rest', () => {
  const text = '# top\na: "x" # why\nb: {}\nc: [] # list\n'
  expect(
    editYaml(text, [
      [['a'], 'a: b #c'],
      [['b', 'd', 'e'], true],
      [['c'], ['x']],
    ]),
  ).toBe('# top\na: "a: b #c" # why\nb:\n  d:\n    e: true\nc:\n  # list\n  - x\n')
  expect(editYaml(text, [[['a'], undefined]])).not.toContain('a:')
  expect(editYaml(text, [])).toBe(text)
})
