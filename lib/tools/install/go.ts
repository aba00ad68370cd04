import { createHash } from 'node:crypto'
import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ExecError, KsailError, isKsailError } from '../../base/errors.ts'
import type { Context } from '../../base/context.ts'
import { readText } from '../../io/files.ts'
import { assetRoot, host } from '../../io/host.ts'
import { withLock } from '../../io/lock.ts'
import { cached, folderOf, inStaging, install, type Slot } from './cache.ts'
import { recipes, versionIn, type Recipe } from './recipes.ts'

/** A cold build of the largest program takes minutes, on a slow machine many. */
const LIMIT = 60 * 60_000

const moduleFolder = (recipe: Recipe): string => join(assetRoot(), 'templates', 'go', recipe.folder)

/** Where the build of a program is kept; undefined when there is no recipe for it. */
export const slotOf = async (tool: string): Promise<Slot | undefined> => {
  const recipe = recipes[tool]
  if (recipe === undefined) return undefined
  const [mod, sum] = await Promise.all(['go.mod', 'go.sum'].map(async (name) => (await readText(join(moduleFolder(recipe), name))) ?? ''))
  const version = versionIn(mod ?? '', recipe.module)
  if (version === undefined) throw new KsailError('bug', `templates/go/${recipe.folder}/go.mod does not require ${recipe.module}`)
  const hash = createHash('sha256')
    .update(JSON.stringify([mod, sum, recipe.package, recipe.tags, recipe.stamp?.(version)]))
    .digest('hex')
  return { tool, version, hash: `go${hash}` }
}

/** Nothing of the user's Go settings but where sources come from. */
const goEnv = {
  GOWORK: 'off',
  GOFLAGS: '-mod=readonly -buildvcs=false',
  CGO_ENABLED: '0',
  GOOS: undefined,
  GOARCH: undefined,
  GOBIN: undefined,
  GO111MODULE: undefined,
}

/** The words that compile a recipe. */
export const buildArgs = (recipe: Recipe, version: string, output: string): readonly string[] => {
  const stamped = Object.entries(recipe.stamp?.(version) ?? {}).map(([name, value]) => `-X ${name}=${value}`)
  return [
    'build',
    '-v',
    '-trimpath',
    '-ldflags',
    ['-s -w', ...stamped].join(' '),
    ...(recipe.tags === undefined ? [] : ['-tags', recipe.tags]),
    '-o',
    output,
    recipe.package,
  ]
}

export const hasGo = async (ctx: Context): Promise<boolean> => {
  try {
    await ctx.exec('go', ['env', 'GOVERSION'], { timeout: 20_000, env: goEnv })
    return true
  } catch (error) {
    if (isKsailError(error, 'tool', 'exec')) return false
    throw error
  }
}

/** A copy of a wrapper module in a folder of its own: Go would look for a workspace above ours. */
export const withModule = <T>(ctx: Context, recipe: Recipe, work: (folder: string) => Promise<T>): Promise<T> =>
  inStaging(ctx, async (staging) => {
    const folder = join(staging, 'module')
    await mkdir(folder)
    for (const name of ['go.mod', 'go.sum']) await copyFile(join(moduleFolder(recipe), name), join(folder, name))
    return work(folder)
  })

/** Runs go in a copy of a wrapper module. */
export const go = (ctx: Context, folder: string, args: readonly string[], onLine?: (line: string) => void) =>
  ctx.exec('go', args, { cwd: folder, env: goEnv, timeout: LIMIT, onLine: (line, stream) => stream === 'stderr' && onLine?.(line) })

const compile = async (ctx: Context, recipe: Recipe, slot: Slot): Promise<string> => {
  const { tool, version } = slot
  const text = `building ${tool} ${version} with go`
  const start = ctx.now()
  ctx.report({ kind: 'step', text })
  const path = await withModule(ctx, recipe, async (folder) => {
    const tags = recipe.tags === undefined ? [] : ['-tags', recipe.tags]
    const output = join(folder, `program${host.platform === 'win32' ? '.exe' : ''}`)
    try {
      const { stdout } = await go(ctx, folder, ['list', '-deps', ...tags, recipe.package])
      const total = stdout.split('\n').filter(Boolean).length
      let done = 0
      await go(ctx, folder, buildArgs(recipe, version, output), (line) => {
        if (/^[\w.-]+(\/[\w.~-]+)*$/.test(line)) ctx.report({ kind: 'progress', text, done: Math.min(++done, total), total, unit: 'items' })
      })
    } catch (error) {
      if (!(error instanceof ExecError) || error.code !== 'exec') throw error
      throw new KsailError('tool', `${tool} ${version} could not be built: ${error.details.at(-1) ?? error.message}`, {
        details: error.details,
        cause: error,
      })
    }
    return install(ctx, slot, output, { source: 'go', from: `${recipe.module}@${version}` })
  })
  ctx.report({ kind: 'done', text, ms: ctx.now() - start })
  return path
}

/** The builds of this process, one after the other: each uses every processor there is. */
let turn: Promise<unknown> = Promise.resolve()

/** Compiles a program into the cache, or finds it there. Progress is told in packages. */
export const buildWithGo = async (ctx: Context, tool: string): Promise<string> => {
  const recipe = recipes[tool]
  const slot = await slotOf(tool)
  if (recipe === undefined || slot === undefined) throw new KsailError('bug', `there is no recipe for ${tool}`)
  // another ksail that builds the same makes it for both
  const build = (): Promise<string> =>
    withLock(
      ctx,
      `${folderOf(ctx, slot)}.lock`,
      `the build of ${tool}`,
      async () => (await cached(ctx, slot)) ?? compile(ctx, recipe, slot),
    )
  const mine = turn.then(build)
  turn = mine.catch(() => undefined)
  return mine
}
