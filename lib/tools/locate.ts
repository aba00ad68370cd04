import { access, constants, realpath, stat } from 'node:fs/promises'
import { delimiter, isAbsolute, join } from 'node:path'
import { Chain, type Step } from '../base/chain.ts'
import { isKsailError, KsailError, messageOf } from '../base/errors.ts'
import type { Context } from '../base/context.ts'
import type { Tool } from '../base/tool.ts'
import { cacheFolder } from '../io/folders.ts'
import { readJson, writeJson } from '../io/files.ts'

type Ctx = Pick<Context, 'env' | 'exec' | 'cwd' | 'platform'>

/** What a program said about its version, remembered by path, size and time of change: asking costs a start of it each time. */
interface Known {
  readonly stamp: string
  readonly version: string
  /** The range that it was found to satisfy: comparing costs the import of a library. */
  readonly accepted?: string | undefined
}
type Remembered = Record<string, Known>

const cachePath = (ctx: Ctx): string => join(cacheFolder(ctx.env), 'versions.json')
const remembered = (ctx: Ctx): Promise<Remembered> =>
  readJson<Remembered>(cachePath(ctx)).then(
    (it) => it ?? {},
    () => ({}),
  )

const executable = async (path: string): Promise<boolean> => {
  try {
    await access(path, constants.X_OK)
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}

const onPath = async (ctx: Ctx, name: string): Promise<readonly string[]> => {
  const suffixes = ctx.platform === 'win32' ? ['.exe', '.cmd', ''] : ['']
  const found: string[] = []
  for (const folder of (ctx.env['PATH'] ?? '').split(delimiter).filter(isAbsolute))
    for (const suffix of suffixes) if (await executable(join(folder, name + suffix))) found.push(join(folder, name + suffix))
  return found
}

const parseVersion = (tool: Tool, output: string): string | undefined =>
  tool.parse?.(output) ?? /\bv?(\d+\.\d+(?:\.\d+)?(?:[-+][\w.+-]+)?)/.exec(output)?.[1]

/** Differs for every program that was put into the place of another. One that is not there has its name: starting it will tell. */
export const stampOf = async (path: string): Promise<string> => {
  const real = await realpath(path).catch(() => undefined)
  if (real === undefined) return path
  const { size, mtimeMs, ctimeMs, ino } = await stat(real)
  return `${real}:${size}:${mtimeMs}:${ctimeMs}:${ino}`
}

let writing: Promise<unknown> = Promise.resolve()

/** What a program says about its version, asked once for each program. */
export const versionOf = async (ctx: Ctx, tool: Tool, path: string): Promise<Known> => {
  const stamp = await stampOf(path)
  const known = (await remembered(ctx))[path]
  if (known?.stamp === stamp) return known
  const { stdout, stderr } = await ctx.exec(path, tool.version, { accept: 'any', timeout: 20_000 })
  const version = parseVersion(tool, stdout) ?? parseVersion(tool, stderr)
  if (version === undefined) throw new KsailError('tool', `${path} does not say its version`)
  const found = { stamp, version, accepted: (await accepts(tool.accepts, version)) ? tool.accepts : undefined }
  // one after the other, and read again, so that what is asked at the same time is all remembered. What another process writes in this moment costs one more question
  writing = writing.then(async () => writeJson(cachePath(ctx), { ...(await remembered(ctx)), [path]: found }).catch(() => undefined))
  await writing
  return found
}

/** Whether a version satisfies the range; suffixes such as `-dispatcher` or `+k3s1` do not count. */
export const accepts = async (range: string, version: string): Promise<boolean> => {
  const { default: semver } = await import('semver')
  const plain = semver.coerce(version)
  return plain !== null && semver.satisfies(plain, range)
}

const checked = async (ctx: Ctx, tool: Tool, path: string): Promise<{ readonly path: string } | { readonly why: string }> => {
  // a program that does not say its version is taken as it is
  if (tool.version.length === 0) return { path }
  try {
    const { version, accepted } = await versionOf(ctx, tool, path)
    return accepted === tool.accepts || (await accepts(tool.accepts, version))
      ? { path }
      : { why: `${path} is ${version}, accepted is ${tool.accepts}` }
  } catch (error) {
    if (isKsailError(error, 'interrupted', 'terminated')) throw error
    return { why: `${path}: ${messageOf(error)}` }
  }
}

const variableOf = (tool: Tool): string => `KSAIL_TOOL_${tool.name.replaceAll('-', '_').toUpperCase()}`

const chainOf = (tool: Tool, further: readonly Step<Ctx, string>[]): Chain<Ctx, string> =>
  new Chain(tool.name, `install ${tool.name} ${tool.accepts} from ${tool.home}, or set ${variableOf(tool)} to its path`, [
    {
      name: variableOf(tool),
      find: async (ctx, miss) => {
        const path = ctx.env[variableOf(tool)]
        if (path === undefined || path === '') return miss('not set')
        if (!(await executable(path)))
          throw new KsailError('config', `${variableOf(tool)}: ${path} is not a program`, {
            hint: `set it to the path of ${tool.name}, or unset it`,
          })
        return path
      },
    },
    {
      name: 'PATH',
      find: async (ctx, miss) => {
        const missed: string[] = []
        for (const path of await onPath(ctx, tool.name)) {
          const result = await checked(ctx, tool, path)
          if ('path' in result) return result.path
          missed.push(result.why)
        }
        return miss(missed.length > 0 ? missed.join('; ') : `no ${tool.name} in ${ctx.env['PATH'] || 'an empty PATH'}`)
      },
    },
    ...further,
  ])

/** Places where a tool can be got when PATH has none. */
type Further = (tool: Tool) => Promise<readonly Step<Ctx, string>[]>

/** The path of a tool in an accepted version; each tool is looked for once. Throws `tool`, naming every place that was looked at. */
export const createLocate = (ctx: Ctx, further: Further = async () => []): Context['locate'] => {
  const found = new Map<string, Promise<string>>()
  return (tool) => {
    const known = found.get(tool.name)
    if (known !== undefined) return known
    const lookUp = async (): Promise<{ readonly value: string }> => {
      const near = await chainOf(tool, []).find(ctx)
      return near.value === undefined ? chainOf(tool, await further(tool)).resolve(ctx) : near
    }
    const search = lookUp().then(
      ({ value }) => value,
      (error: unknown) => {
        if (!isKsailError(error, 'unresolved')) throw error
        throw new KsailError('tool', `${tool.name} is needed (${tool.summary}); looked in`, { details: error.details, hint: error.hint })
      },
    )
    found.set(tool.name, search)
    return search
  }
}
