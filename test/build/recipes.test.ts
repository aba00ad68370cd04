import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { KsailError } from '../../lib/base/errors.ts'
import { createContext } from '../../lib/context.ts'
import { kindManifests } from '../../lib/engines/flux/kinds.ts'
import { buildArgs, buildWithGo, go, slotOf, withModule } from '../../lib/tools/install/go.ts'
import { recipes, type Recipe } from '../../lib/tools/install/recipes.ts'

/** The Go caches of whoever runs the tests: cold ones would compile for a quarter of an hour. */
const goEnv = (): Record<string, string> | undefined => {
  try {
    const text = execFileSync('go', ['env', 'GOCACHE', 'GOMODCACHE', 'GOPATH'], {
      env: { PATH: process.env['PATH'], HOME: userInfo().homedir },
      encoding: 'utf8',
    })
    const [GOCACHE = '', GOMODCACHE = '', GOPATH = ''] = text.trim().split('\n')
    return { GOCACHE, GOMODCACHE, GOPATH }
  } catch {
    return undefined
  }
}

const caches = goEnv()

/** Everything compiled once is some tens of thousands of entries; a cold cache would compile for a quarter of an hour and more. */
const isWarm = (): boolean => {
  try {
    return caches !== undefined && readdirSync(join(caches['GOCACHE'] as string, '00')).length * 256 > 15_000
  } catch {
    return false
  }
}

/** How each of them says its version; the Flux controllers do not. */
const VERSION: Readonly<Record<string, readonly string[]>> = {
  kubectl: ['version', '--client'],
  oras: ['version'],
  kind: ['version'],
  sops: ['--version', '--disable-version-check'],
}

/** The name that Go gives to a program. */
const programOf = ({ package: path }: Recipe): string =>
  path
    .replace(/\/v\d+$/, '')
    .split('/')
    .at(-1) as string

/** Recipes that differ in their package alone are one call of Go, which loads their modules once. */
const groups = new Map<string, string[]>()
for (const [name, { package: _, stamp, ...recipe }] of Object.entries(recipes)) {
  const key = JSON.stringify([recipe, stamp?.('v1.2.3')])
  groups.set(key, [...(groups.get(key) ?? []), name])
}

// minutes of linking where nothing was linked before: asked for, as in CI
const why = process.env['KSAIL_E2E'] !== '1' ? 'KSAIL_E2E is not 1' : isWarm() ? undefined : 'the Go cache of this machine is cold'
if (why !== undefined) console.warn(`programs built by Go: skipped, ${why}`)

describe.skipIf(why !== undefined)(`programs built by Go${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  const context = (path: string) => createContext({ env: { ...process.env, ...caches, PATH: path } })
  const ctx = context(process.env['PATH'] as string)

  let linked = ''
  beforeAll(() => void (linked = mkdtempSync(join(tmpdir(), 'linked-'))))
  // hundreds of megabytes
  afterAll(() => rmSync(linked, { recursive: true, force: true }))

  const build = async (names: readonly string[], version: string): Promise<string> => {
    const [recipe, ...others] = names.map((name) => recipes[name] as Recipe) as [Recipe, ...Recipe[]]
    const folder = join(linked, `${recipe.folder}@${version}`)
    mkdirSync(folder, { recursive: true })
    const words = [...buildArgs(recipe, version, `${folder}/`), ...others.map((other) => other.package)]
    await withModule(ctx, recipe, (module) => go(ctx, module, words))
    return folder
  }

  it.each([...groups.values()].map((names) => [names.join(', '), names] as const))(
    '%s: builds, runs and says its version',
    async (_title, names) => {
      const version = (await slotOf(names[0] as string))?.version as string
      const folder = await build(names, version)
      for (const name of names) {
        const program = join(folder, programOf(recipes[name] as Recipe))
        if (name.endsWith('-controller')) continue
        const output = execFileSync(program, [...(VERSION[name] ?? ['--version'])], { encoding: 'utf8' })
        expect(output).toContain(/^v(\d+\.\d+\.\d+)/.exec(version)?.[1])
      }
    },
  )

  it.each(['age', 'age-keygen'])('%s is put into the cache of programs as a whole', async (name) => {
    const path = await buildWithGo(ctx, name)
    const version = /v(\d+\.\d+\.\d+)/.exec(path.slice(path.indexOf(join('v1', name))))?.[1]
    expect(execFileSync(path, ['--version'], { encoding: 'utf8' })).toContain(version)
    expect(await buildWithGo(ctx, name)).toBe(path)
  })

  it("Flux's kinds are those that flux prints, without flux", async () => {
    const dirs = (process.env['PATH'] ?? '').split(':')
    const withoutFlux = context(dirs.filter((it) => !it.includes('testbed')).join(':'))
    const components = ['source-controller', 'kustomize-controller']
    const kinds = (yaml: string): string[] =>
      yaml
        .split(/^---\s*$/m)
        .flatMap((text) => (/^kind: CustomResourceDefinition$/m.test(text) ? (/^ {2}name: (.*)$/m.exec(text)?.[1] ?? []) : []))
        .toSorted()
    const [generated, exported] = [
      await kindManifests(
        {
          ...withoutFlux,
          locate: async (tool) => {
            if (tool.name === 'flux') throw new KsailError('tool', 'flux is needed')
            return buildWithGo(ctx, tool.name)
          },
        },
        components,
      ),
      await kindManifests(ctx, components),
    ]
    expect(kinds(generated)).toEqual(kinds(exported))
    expect(kinds(generated)).toContain('ocirepositories.source.toolkit.fluxcd.io')
  })
})
