import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { assetRoot } from '../../../../lib/io/host.ts'
import { buildArgs, buildWithGo, slotOf } from '../../../../lib/tools/install/go.ts'
import { recipes, versionIn } from '../../../../lib/tools/install/recipes.ts'
import { programs } from '../../../../lib/tools/programs.ts'
import { fakeContext } from '../../../fakes/context.ts'
import { fakeExec } from '../../../fakes/exec.ts'

describe('recipes', () => {
  it.each(Object.entries(recipes))('%s has a wrapper module that pins it', async (name, recipe) => {
    const folder = join(assetRoot(), 'templates', 'go', recipe.folder)
    expect(existsSync(join(folder, 'go.sum'))).toBe(true)
    expect(versionIn(readFileSync(join(folder, 'go.mod'), 'utf8'), recipe.module)).toMatch(/^v\d+\.\d+\.\d+/)
    expect(await slotOf(name)).toMatchObject({ tool: name, hash: expect.stringMatching(/^go[0-9a-f]{64}$/) })
  })

  it('there is one for everything that a cluster without containers is made of', () => {
    expect(Object.keys(programs).filter((name) => recipes[name] === undefined)).toEqual([])
  })

  it('a program of Kubernetes is told its version', () => {
    const words = buildArgs(recipes['kubectl'] as never, 'v1.34.10', '/out')
    expect(words.at(-1)).toBe('k8s.io/kubernetes/cmd/kubectl')
    expect(words[words.indexOf('-ldflags') + 1]).toContain('-X k8s.io/component-base/version.gitVersion=v1.34.10')
  })
})

describe('buildWithGo', () => {
  const exec = () =>
    fakeExec({
      'go list *': 'a\nb\nc\n',
      'go build *': (args) => {
        writeFileSync(args[args.indexOf('-o') + 1] as string, 'program')
        return { stderr: 'go: downloading x v1\na/b\nc.d/e\n' }
      },
    })

  it('builds once, then finds it in the cache', async () => {
    const ctx = fakeContext({ exec: exec(), locate: async () => '' })
    const path = await buildWithGo(ctx, 'oras')
    expect(readFileSync(path, 'utf8')).toBe('program')
    expect(await buildWithGo(ctx, 'oras')).toBe(path)
    expect((ctx.exec as ReturnType<typeof exec>).calls.map(({ args }) => args[0])).toEqual(['list', 'build'])
    const { env, cwd } = (ctx.exec as ReturnType<typeof exec>).calls[1]?.options ?? {}
    expect(env).toMatchObject({ GOWORK: 'off', GOFLAGS: '-mod=readonly -buildvcs=false', CGO_ENABLED: '0' })
    expect(cwd).toContain('.staging')
  })

  it('says what go said when it cannot', async () => {
    const ctx = fakeContext({
      exec: fakeExec({ 'go list *': { exitCode: 1, stderr: 'go: dial tcp: lookup proxy.golang.org: no such host' } }),
    })
    await expect(buildWithGo(ctx, 'oras')).rejects.toMatchObject({ code: 'tool', message: expect.stringContaining('no such host') })
  })
})
