import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createContext } from '../../lib/context.ts'
import { kindManifests } from '../../lib/engines/flux/kinds.ts'
import { buildWithGo } from '../../lib/tools/install/go.ts'
import { recipes } from '../../lib/tools/install/recipes.ts'

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

const go = goEnv()

/** Everything compiled once is some tens of thousands of entries; a cold cache would compile for a quarter of an hour and more. */
const isWarm = (): boolean => {
  if (go === undefined) return false
  try {
    return readdirSync(join(go['GOCACHE'] as string, '00')).length * 256 > 15_000
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

// minutes of linking: asked for, as in CI
const warm = isWarm()
if (process.env['KSAIL_E2E'] === '1' && !warm) console.log('skipped: programs built by Go, because the Go cache of this machine is cold')

describe.skipIf(!warm || process.env['KSAIL_E2E'] !== '1')('programs built by Go', () => {
  const context = (path: string) => createContext({ env: { ...process.env, ...go, PATH: path } })
  const ctx = context(process.env['PATH'] as string)

  it.each(Object.keys(recipes))('%s runs and says its version', async (name) => {
    const path = await buildWithGo(ctx, name)
    if (name.endsWith('-controller')) return
    const output = execFileSync(path, [...(VERSION[name] ?? ['--version'])], { encoding: 'utf8' })
    const recipe = recipes[name]
    const version = /v(\d+\.\d+\.\d+)/.exec(path.slice(path.indexOf(join('v1', name))))?.[1]
    expect(recipe?.module && output).toContain(version)
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
        { ...withoutFlux, locate: async (tool) => (tool.name === 'flux' ? Promise.reject(await missing()) : buildWithGo(ctx, tool.name)) },
        components,
      ),
      await kindManifests(ctx, components),
    ]
    expect(kinds(generated)).toEqual(kinds(exported))
    expect(kinds(generated)).toContain('ocirepositories.source.toolkit.fluxcd.io')
  })
})

const missing = async (): Promise<Error> => {
  const { KsailError } = await import('../../lib/base/errors.ts')
  return new KsailError('tool', 'flux is needed')
}
