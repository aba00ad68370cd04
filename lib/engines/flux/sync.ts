import { join } from 'node:path'
import { isMap, parseAllDocuments, type Document } from 'yaml'
import { configError } from '../../base/errors.ts'
import type { Context } from '../../base/context.ts'
import type { Target } from '../../base/target.ts'
import { readText } from '../../io/files.ts'
import type { SyncOptions } from '../engine.ts'

const REPOSITORY = `apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata:
  name: flux-system
  namespace: flux-system
spec:
  interval: 1m
  timeout: 20s
`

const KUSTOMIZATION = `apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: flux-system
  namespace: flux-system
spec:
  interval: 10m
  retryInterval: 5s
  timeout: 2m
  prune: true
  wait: false
  sourceRef:
    kind: OCIRepository
    name: flux-system
`

const LABEL = ['metadata', 'labels', 'app.kubernetes.io/managed-by']

/** Sets a value by path; a key above it that holds nothing but a comment becomes a mapping. */
const put = (document: Document, path: readonly string[], value: unknown): void => {
  for (let depth = 1; depth < path.length; depth++)
    if (!isMap(document.getIn(path.slice(0, depth)))) document.setIn(path.slice(0, depth), document.createNode({}))
  document.setIn(path, value)
}

/** The document of a kind that ksail configures: the one called flux-system, else the first. */
const ours = (documents: readonly Document[], kind: string): Document | undefined => {
  const all = documents.filter((document) => document.get('kind') === kind)
  return all.find((document) => document.getIn(['metadata', 'name']) === 'flux-system') ?? all[0]
}

const edited = (text: string, file: string, kind: string, edit: (document: Document) => void): string => {
  const documents = parseAllDocuments(text)
  if (!Array.isArray(documents)) throw configError({ file }, `holds no ${kind}`, 'write one, or remove the file to get the default')
  for (const document of documents) {
    const error = document.errors[0]
    if (error !== undefined)
      throw configError(
        { file, line: error.linePos?.[0].line, column: error.linePos?.[0].col },
        error.message.split('\n')[0] ?? 'is no YAML',
      )
  }
  const mappings = documents.filter(({ contents }) => isMap(contents))
  const document = ours(mappings, kind)
  if (document === undefined) throw configError({ file }, `holds no ${kind}`, 'write one, or remove the file to get the default')
  put(document, LABEL, 'ksail')
  edit(document)
  return mappings.map((it) => it.toString({ lineWidth: 0, directives: false }).trimEnd()).join('\n---\n')
}

/**
 * The OCIRepository and the Kustomization that make Flux follow the registry: those of the project's `flux/` folder, with url, tag and
 * path filled in and everything else as the user wrote it; defaults where a file is missing.
 */
export const syncManifests = async (_ctx: Context, target: Target, { url, insecure, tag, pullSecret }: SyncOptions): Promise<string> => {
  const [repository, kustomization] = await Promise.all(
    ['oci-repository.yaml', 'kustomization.yaml'].map((name) => readText(join(target.project, 'flux', name))),
  )
  const source = edited(repository ?? REPOSITORY, 'flux/oci-repository.yaml', 'OCIRepository', (document) => {
    put(document, ['spec', 'url'], url)
    put(document, ['spec', 'ref', 'tag'], tag)
    if (insecure) put(document, ['spec', 'insecure'], true)
    else document.deleteIn(['spec', 'insecure'])
    if (pullSecret !== undefined) put(document, ['spec', 'secretRef', 'name'], pullSecret)
  })
  const start = edited(kustomization ?? KUSTOMIZATION, 'flux/kustomization.yaml', 'Kustomization', (document) => {
    put(document, ['spec', 'path'], target.path)
  })
  return `${source}\n---\n${start}\n`
}
