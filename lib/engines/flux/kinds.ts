import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isKsailError, KsailError } from '../../base/errors.ts'
import { step } from '../../base/events.ts'
import type { Context } from '../../base/context.ts'
import { readText, writeText } from '../../io/files.ts'
import { cacheFolder } from '../../io/folders.ts'
import * as fluxTool from '../../tools/flux.ts'
import { go, slotOf, withModule } from '../../tools/install/go.ts'
import { recipes } from '../../tools/install/recipes.ts'
import { tools } from '../../tools/index.ts'

const NAMESPACE = `apiVersion: v1
kind: Namespace
metadata:
  name: flux-system
  labels:
    app.kubernetes.io/instance: flux-system
    app.kubernetes.io/part-of: flux
`

const COMPONENT = /^ {4}app\.kubernetes\.io\/component: /m

/** Documents of a text of manifests that are kinds; the same whether they come from flux or out of the cache, as their fingerprint tells whether something is left to apply. */
const kindsIn = (yaml: string): readonly string[] =>
  yaml
    .split(/^---\s*$/m)
    .map((text) => text.trim())
    .filter((text) => /^kind: CustomResourceDefinition\s*$/m.test(text))

const labelled = (text: string, component: string): string =>
  COMPONENT.test(text)
    ? text
    : text.replace(/^ {2}name: .*$/m, (line) => `${line}\n  labels:\n    app.kubernetes.io/component: ${component}`)

/** Where the kinds of a controller are kept that were made from its Go types; undefined where that cannot be done. */
const generatedPath = async (ctx: Context, component: string): Promise<string | undefined> => {
  const slot = await slotOf(component)
  return slot === undefined
    ? undefined
    : join(cacheFolder(ctx.env), 'flux', `kinds-${component}-${slot.version}-${slot.hash.slice(0, 14)}.yaml`)
}

/** Those that were made before, all of them or none. */
const remembered = async (ctx: Context, components: readonly string[]): Promise<readonly string[] | undefined> => {
  const texts = await Promise.all(components.map(async (it) => readText((await generatedPath(ctx, it)) ?? '')))
  return texts.every((text) => text !== undefined) ? texts.flatMap((text) => kindsIn(text ?? '')) : undefined
}

/** The kinds of a controller out of its Go types, made once for each version of it. */
const generated = async (ctx: Context, component: string): Promise<readonly string[]> => {
  const recipe = recipes[component]
  const path = await generatedPath(ctx, component)
  if (path === undefined || recipe === undefined) return []
  const known = await readText(path)
  if (known !== undefined) return kindsIn(known)
  const program = await ctx.locate(tools['controller-gen'])
  return step(ctx, `making the kinds of ${component} from its types`, () =>
    withModule(ctx, recipe, async (folder) => {
      const out = join(folder, 'kinds')
      // controller-gen loads what go resolves, and go resolves only what is in its cache
      await go(ctx, folder, ['mod', 'download', `${recipe.module}/api`])
      await ctx.exec(program, ['crd', `paths=${recipe.module}/api/...`, `output:crd:dir=${out}`], {
        cwd: folder,
        env: { GOWORK: 'off', GOFLAGS: '-mod=readonly' },
        timeout: 10 * 60_000,
      })
      const texts = await Promise.all((await readdir(out)).toSorted().map((name) => readText(join(out, name))))
      const yaml = texts
        .flatMap((text) => kindsIn(text ?? ''))
        .map((text) => labelled(text, component))
        .join('\n---\n')
      await writeText(path, yaml)
      return kindsIn(yaml)
    }),
  )
}

/** The export of flux, made once for each of its versions; undefined where there is no flux. */
const exported = async (ctx: Context, components: readonly string[]): Promise<readonly string[] | undefined> => {
  let version: string
  try {
    version = await fluxTool.version(ctx)
  } catch (error) {
    if (!isKsailError(error, 'tool')) throw error
    return undefined
  }
  const hash = createHash('sha256').update(components.join()).digest('hex').slice(0, 12)
  const path = join(cacheFolder(ctx.env), 'flux', `kinds-${version.replaceAll(/[^\w.-]/g, '_')}-${hash}.yaml`)
  const known = await readText(path)
  if (known !== undefined) return kindsIn(known)
  const kinds = kindsIn(await fluxTool.exportInstall(ctx, components))
  await writeText(path, kinds.join('\n---\n'))
  return kinds
}

/** What a command has made already, by the tools that it has: create asks more than once. */
const made = new WeakMap<Context['locate'], Map<string, Promise<string>>>()

/**
 * Flux's own kinds and its namespace as YAML, for a cluster whose controllers are processes: as the flux command prints them, else made
 * from the controllers' Go types.
 */
export const kindManifests = (ctx: Context, components: readonly string[]): Promise<string> => {
  const known = made.get(ctx.locate) ?? new Map<string, Promise<string>>()
  made.set(ctx.locate, known)
  const key = components.join()
  const promise = known.get(key) ?? make(ctx, components)
  known.set(key, promise)
  promise.catch(() => known.delete(key))
  return promise
}

const allGenerated = async (ctx: Context, components: readonly string[]): Promise<readonly string[]> => {
  try {
    return (await Promise.all(components.map((it) => generated(ctx, it)))).flat()
  } catch (error) {
    if (!isKsailError(error, 'tool')) throw error
    throw new KsailError('tool', "Flux's own kinds are needed: flux prints them, and Go makes them; neither is here", {
      details: error.details,
      cause: error,
      hint: `install flux from ${tools.flux.home}, or go from https://go.dev/dl/`,
    })
  }
}

const make = async (ctx: Context, components: readonly string[]): Promise<string> => {
  // what was made without flux goes on to serve: asking for flux again would try to download it each time
  const kinds = (await remembered(ctx, components)) ?? (await exported(ctx, components)) ?? (await allGenerated(ctx, components))
  return [NAMESPACE, ...kinds].join('\n---\n')
}
