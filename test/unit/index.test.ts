import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, expectTypeOf, it } from 'vitest'
import * as ksail from '../../lib/index.ts'
import { commands } from '../../lib/cli/commands/index.ts'

const lib = fileURLToPath(new URL('../../lib', import.meta.url))

it('exports what it promises and nothing else', () => {
  expect(Object.keys(ksail).toSorted()).toMatchInlineSnapshot(`
    [
      "EXIT",
      "ExecError",
      "KsailError",
      "bind",
      "clusterInfo",
      "createCluster",
      "createContext",
      "createExec",
      "createReporter",
      "deleteCluster",
      "down",
      "engines",
      "formatReference",
      "initProject",
      "listClusters",
      "parseReference",
      "parseRegistrySetting",
      "promote",
      "push",
      "reconcile",
      "registryChain",
      "settings",
      "startCluster",
      "stopCluster",
      "up",
    ]
  `)
})

it('has a function for every command', () => {
  const verbs = Object.keys(ksail.bind({}))
  for (const { path } of commands) {
    const word = path.at(-1)!
    expect(verbs.filter((name) => name === word || name.toLowerCase().includes(word))).not.toEqual([])
  }
  expect(verbs).toHaveLength(commands.length)
})

it('has the words of its options in their types', () => {
  expectTypeOf<ksail.UpOptions['provider']>().toEqualTypeOf<'Auto' | 'Docker' | 'Host' | undefined>()
  expectTypeOf<ksail.PushOptions['alsoTags']>().toEqualTypeOf<readonly string[] | undefined>()
  expectTypeOf<ksail.CreateOptions['workers']>().toEqualTypeOf<number | undefined>()
  expectTypeOf<ksail.ReconcileOptions['timeout']>().toEqualTypeOf<string | undefined>()
})

it('takes a working directory as it is typed', () => {
  expect(ksail.createContext({ cwd: 'my-cluster' }).cwd).toBe(join(process.cwd(), 'my-cluster'))
})

/** The lines of each `@example` in a file. */
const examplesOf = (file: string): string[] =>
  [...readFileSync(join(lib, file), 'utf8').matchAll(/@example\n([^]*?)\*\//g)].map(([, text]) => text!.replaceAll(/^ *\* ?/gm, '').trim())

const files = readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
/** Examples that are one call and its value: `nearest('clutser', ['cluster']) // 'cluster'`. */
const claims = files.flatMap((file) =>
  examplesOf(file).flatMap((text) => {
    const [, name, call, value] = /^((\w+)\([^\n]*\)) \/\/ (.+)$/.exec(text) ?? []
    return name === undefined || /^throws|^Promise/.test(value!) ? [] : [{ file, call: name, name: call!, value: value! }]
  }),
)

it.each(claims)('$file: $call is $value', async ({ file, call, name, value }) => {
  const module = (await import(join(lib, file))) as Record<string, unknown>
  const result: unknown = new Function(...Object.keys(module), `return (${call})`)(...Object.values(module))
  expect(result, name).toEqual(new Function(`return (${value})`)())
})

describe('examples of verbs that need no cluster', () => {
  it('init and list', async () => {
    const cwd = mkdtempSync(join(tmpdir(), 'project-'))
    const { initProject, listClusters } = ksail.bind({ cwd, env: { HOME: cwd } })
    expect((await initProject({ name: 'dev', engine: 'Flux' })).files.every(({ path }) => existsSync(join(cwd, path)))).toBe(true)
    expect((await initProject({ name: 'dev', engine: 'Flux' })).files.every(({ action }) => action === 'kept')).toBe(true)
    expect(await listClusters()).toEqual([])
  })

  it('errors carry a code, a status and a hint', async () => {
    const failure = await ksail.initProject({ name: 'Not A Name' }, { cwd: tmpdir() }).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(ksail.KsailError)
    expect(failure).toMatchObject({ code: 'usage', exitCode: 2, hint: expect.any(String) })
  })
})
