import type { Context } from '../base/context.ts'
import { KsailError } from '../base/errors.ts'
import { exists } from '../io/files.ts'
import { selectFiles, type Entry, type Selection } from './files.ts'
import { artifactsFolder, digestOf, findLayout, memoryOf, pruneLayouts, rememberLayout, writeLayout } from './layout.ts'
import { tar } from './tar.ts'

/** An artifact as an OCI image layout on disk, its digest known before anything is sent. */
export interface Artifact {
  readonly digest: string
  /** Bytes of the packed layer. */
  readonly size: number
  readonly files: number
  /** Absolute folder of the image layout. */
  readonly folder: string
  /** Folder that holds the layouts of the project. */
  readonly artifacts: string
  /** Folder of what is remembered to be quick, and may be lost. */
  readonly memory: string
  readonly manifest: Uint8Array
  readonly entries: readonly Entry[]
  readonly warned: Selection['warned']
  readonly ignored: readonly string[]
}

export interface BuildOptions {
  /** Absolute folder of the manifests. */
  readonly source: string
  /** Absolute folder of the project: the layout goes to its `.ksail/artifacts`. */
  readonly project: string
  /** How many layouts stay; default ten. */
  readonly keep?: number | undefined
  /** When the source folder does not exist: pack a root that builds nothing at this start folder instead of failing. */
  readonly whenMissing?: string | undefined
}

const nothing = (start: string): readonly Entry[] => {
  const folder = start.replace(/^\.?\/+|^\.$|\/+$/g, '')
  const path = folder === '' ? 'kustomization.yaml' : `${folder}/kustomization.yaml`
  return [{ path, bytes: Buffer.from('resources: []\n'), executable: false }]
}

/** What is packed of a folder, and the archive that its files are parts of. */
type Tree = Omit<Selection, 'files'> & ReturnType<typeof tar>

/** Reads what is packed of a folder. One that changes meanwhile is read anew, twice. */
export const readTree = (source: string): Tree => {
  for (let attempt = 1; ; attempt++) {
    try {
      const { files, ...rest } = selectFiles(source)
      return { ...rest, ...tar(files) }
    } catch (error) {
      if (attempt === 3 || !(error instanceof KsailError && error.reason === 'changing')) throw error
    }
  }
}

/**
 * Packs a folder into an artifact. The same tree gives the same digest on every machine.
 *
 * @example
 * const { digest } = await buildArtifact({ source: '/app/k8s', project: '/app' }, ctx)
 */
export const buildArtifact = async ({ source, project, keep = 10, whenMissing }: BuildOptions, ctx: Context): Promise<Artifact> => {
  const missing = whenMissing !== undefined && !(await exists(source))
  const { archive, files, warned, ignored } = missing ? { ...tar(nothing(whenMissing)), warned: [], ignored: [] } : readTree(source)
  for (const { path, why } of warned) ctx.report({ kind: 'warn', text: `${path} is left out: it ${why}` })
  const hash = digestOf(archive)
  const artifacts = await artifactsFolder(ctx, project)
  const found = await findLayout(artifacts, hash)
  if (found !== undefined) return { ...found, files: files.length, artifacts, memory: memoryOf(artifacts), entries: files, warned, ignored }
  const { pack } = await import('./pack.ts')
  const written = await writeLayout(artifacts, pack(archive))
  await Promise.all([rememberLayout(artifacts, hash, written.digest, keep), pruneLayouts(artifacts, keep, written.folder)])
  return { ...written, files: files.length, artifacts, memory: memoryOf(artifacts), entries: files, warned, ignored }
}
