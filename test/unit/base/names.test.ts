import { expect, it } from 'vitest'
import { clusterOfContext, contextName, nameOfFolder } from '../../../lib/base/names.ts'

it('reads a context as it writes it', () =>
  expect(clusterOfContext(contextName('Vanilla', 'dev'))).toEqual({ distribution: 'Vanilla', cluster: 'dev' }))

it.each([
  ['My Project', 'my-project'],
  ['tmp.AbC1', 'tmp-abc1'],
  ['-x-', 'x'],
])('a folder %s makes the name %s', (folder, name) => expect(nameOfFolder(folder)).toBe(name))
