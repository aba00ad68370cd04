import { expect, it } from 'vitest'
import { nearest } from '../../../lib/base/nearest.ts'

const known = ['distribution', 'provider', 'gitOpsEngine', 'tag']
it.each([
  ['distributon', 'distribution'],
  ['gitopsengine', 'gitOpsEngine'],
  ['porvider', 'provider'],
  ['tga', 'tag'],
  ['dist', 'distribution'],
])('%s means %s', (word, meant) => expect(nearest(word, known)).toBe(meant))
it.each(['color', 'x', ''])('"%s" means nothing known', (word) => expect(nearest(word, known)).toBeUndefined())
