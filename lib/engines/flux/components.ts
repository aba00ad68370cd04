import { readdir } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { readFacts } from '../../artifact/facts.ts'
import { readTree } from '../../artifact/build.ts'
import { memoryOf } from '../../artifact/layout.ts'
import { buildTree } from '../../artifact/validate.ts'
import { isKsailError } from '../../base/errors.ts'
import type { Context } from '../../base/context.ts'
import type { Target } from '../../base/target.ts'
import { exists, readText } from '../../io/files.ts'
import { buildKustomization } from '../../tools/kubectl.ts'

export const BASE = ['source-controller', 'kustomize-controller'] as const

const HELM = 'helm-controller'

/** Text of the manifests in a folder as Flux would build it; a folder without kustomization.yaml is everything below it. */
const built = async (ctx: Context, folder: string): Promise<string> => {
  try {
    return await buildKustomization(ctx, folder)
  } catch (error) {
    // a kubectl that is not there yet cannot build it: reading is near enough for those who only look
    if (!isKsailError(error, 'exec', 'tool')) throw error
    const names = await readdir(folder, { recursive: true }).catch(() => [])
    const texts = await Promise.all(names.filter((name) => /\.ya?ml$/.test(name)).map((name) => readText(join(folder, name))))
    return texts.map((text) => text ?? '').join('\n---\n')
  }
}

/** Start folders of the Flux Kustomizations in a text of manifests, relative to the artifact's root. */
const childPaths = (text: string): readonly string[] =>
  text
    .split(/^---.*$/m)
    .filter((document) => /^kind: Kustomization\s*$/m.test(document) && /^apiVersion: kustomize\.toolkit\.fluxcd\.io\//m.test(document))
    .flatMap((document) => /^ {2}path: *["']?([^"'\n]+?)["']?\s*$/m.exec(document)?.[1] ?? [])

/** The same by reading, which costs no process for most trees; undefined where that leaves a question. */
const readHelm = async (ctx: Context, { source, project, path }: Target): Promise<boolean | undefined> => {
  try {
    const { files } = readTree(source)
    const memory = memoryOf(join(project, '.ksail', 'artifacts'))
    const remember = (await exists(memory)) ? memory : undefined
    const { objects, whole } = await buildTree({ entries: files, facts: await readFacts(files, remember), start: path, remember }, ctx)
    return whole ? objects.some(({ kind, group }) => kind === 'HelmRelease' && group !== '') : undefined
  } catch (error) {
    // what cannot be packed is a push's to refuse
    if (!isKsailError(error) || ctx.signal.aborted) throw error
    return undefined
  }
}

/**
 * The controllers that what Flux will build needs: helm-controller as soon as the start folder, or a folder that a Kustomization in it
 * names, builds a HelmRelease. A folder that does not build is another check's to refuse.
 */
export const componentsOf = async (ctx: Context, target: Target): Promise<readonly string[]> => {
  const seen = new Set<string>()
  const needsHelm = async (path: string): Promise<boolean> => {
    const folder = resolve(target.source, path)
    if (seen.has(folder) || relative(target.source, folder).startsWith('..')) return false
    seen.add(folder)
    const text = await built(ctx, folder)
    if (/^kind: HelmRelease\s*$/m.test(text)) return true
    return (await Promise.all(childPaths(text).map(needsHelm))).includes(true)
  }
  return ((await readHelm(ctx, target)) ?? (await needsHelm(target.path))) ? [...BASE, HELM] : BASE
}
