import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Everything that is loaded before a verb is: static imports of values, followed to their ends. */
const reach = (file: string, seen = new Set<string>()): Set<string> => {
  if (seen.has(file)) return seen
  seen.add(file)
  const text = readFileSync(file, 'utf8')
  for (const [, what, path] of text.matchAll(/^(?:import|export) ((?!type )[^'\n]*from )?'([^']+)'/gm)) {
    if (what !== undefined && /^\{(\s*type [^,}]+,?)+\s*\} from $/.test(what)) continue
    if (path!.startsWith('.')) reach(resolve(dirname(file), path!), seen)
    else seen.add(path!)
  }
  return seen
}

it('help and the parsing of words load nothing heavy', () => {
  const loaded = [...reach(resolve(root, 'lib/cli/main.ts')), ...reach(resolve(root, 'lib/cli/help.ts'))]
  expect(loaded.filter((it) => !it.startsWith('/') && !it.startsWith('node:'))).toEqual(['minimist'])
  expect(
    [...new Set(loaded.filter((it) => it.startsWith('/')).map((it) => it.slice(root.length).split('/').slice(0, 2).join('/')))].toSorted(),
  ).toEqual(['lib/base', 'lib/cli', 'lib/config', 'lib/io'])
})

it('a push loads neither what makes clusters nor what waits for them', () => {
  const loaded = [...reach(resolve(root, 'lib/workload/push.ts'))].filter((it) => it.startsWith('/')).map((it) => it.slice(root.length))
  expect(
    loaded.filter((it) => /^lib\/(distributions|cluster|scaffold|providers\/host|engines\/flux\/wait|tools\/install)\//.test(it)),
  ).toEqual([])
})
