import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { generated } from '../../bin/dev/generate.ts'
import { assetRoot } from '../../lib/io/host.ts'

it.each(Object.entries(generated()))('%s is up to date (else: npm run generate)', (path, text) => {
  expect(readFileSync(join(assetRoot(), path), 'utf8')).toBe(text)
})

it('README names every exit status', () => {
  const readme = readFileSync(join(assetRoot(), 'README.md'), 'utf8')
  for (const status of [0, 1, 2, 3, 4, 5, 6, 130, 143]) expect(readme).toMatch(new RegExp(`^\\| ${status} \\|`, 'm'))
})
