import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const lib = fileURLToPath(new URL('../../lib', import.meta.url))

/** From the ground up. Folders of one floor do not know each other. */
const FLOORS = [
  ['base'],
  ['io'],
  ['tools'],
  ['providers', 'registry', 'artifact', 'scaffold'],
  ['distributions', 'engines'],
  ['config'],
  ['workload', 'cipher'],
  ['cluster'],
  ['cli'],
]
const floorOf = (folder: string): number => FLOORS.findIndex((floor) => floor.includes(folder))

/** `lib/context.ts` wires floors 0 to 2; `lib/index.ts` sees everything but the command line. */
const OUTSIDE: Readonly<Record<string, number>> = { 'context.ts': floorOf('tools'), 'index.ts': floorOf('cluster') }

const files = readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
const importsOf = (file: string): string[] =>
  [...readFileSync(join(lib, file), 'utf8').matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map(([, path]) =>
    relative(lib, resolve(lib, dirname(file), path!)),
  )

const allowed = (from: string, to: string): boolean => {
  const [here, there] = [from.split('/')[0]!, to.split('/')[0]!]
  // the package's own facts and the folder of templates are no code
  if (to.startsWith('..')) return to.endsWith('.json')
  if (here === there) return true
  if (there in OUTSIDE) return there === 'context.ts' && (here === 'index.ts' || floorOf(here) > floorOf('tools'))
  return floorOf(there) >= 0 && floorOf(there) <= (OUTSIDE[here] ?? floorOf(here) - 1)
}

it.each(files)('%s imports downwards only', (file) => {
  expect(importsOf(file).filter((path) => !allowed(file, path))).toEqual([])
})

it('knows a floor for every folder', () => {
  expect(
    [...new Set(files.filter((file) => file.includes('/')).map((file) => file.split('/')[0]!))].filter((folder) => floorOf(folder) < 0),
  ).toEqual([])
})

describe('imports that belong to one file', () => {
  const OWNERS = {
    'zx/core': ['io/exec.ts'],
    'node:child_process': ['io/exec.ts'],
    chalk: ['io/reporter.ts'],
    'node:process': ['io/host.ts'],
    minimist: ['cli/parse.ts'],
    '@clack/prompts': ['io/prompt.ts'],
    '@iarna/toml': ['registry/nodes.ts'],
  }
  it.each(Object.entries(OWNERS))('%s', (name, owners) => {
    const pattern = new RegExp(`(?:from|import\\()\\s*'${name}'`)
    expect(files.filter((file) => pattern.test(readFileSync(join(lib, file), 'utf8')))).toEqual(owners)
  })
})

it('folders are made with those above them by makeFolder alone: Node’s own way may never end', () => {
  expect(files.filter((file) => /mkdir\w*\([^)]*recursive/.test(readFileSync(join(lib, file), 'utf8')))).toEqual([])
})

describe('names of plug-ins stay in their own files', () => {
  const code = (file: string): string => readFileSync(join(lib, file), 'utf8').replaceAll(/\/\*\*[^]*?\*\/|\/\/.*$/gm, '')
  // a comparison with a name is the `if` that a table should have been
  it.each(['Flux', 'None', 'ArgoCD', 'Vanilla', 'Talos', 'Docker', 'Host', 'Hetzner'])('no comparison with %s', (name) => {
    const pattern = new RegExp(`[!=]==\\s*'${name}'|'${name}'\\s*[!=]==|case '${name}'`)
    const own = new RegExp(`^(engines|distributions|providers)/`)
    expect(files.filter((file) => !own.test(file) && pattern.test(code(file)))).toEqual([])
  })
})
