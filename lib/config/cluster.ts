import { basename } from 'node:path'
import { KsailError } from '../base/errors.ts'
import { nameOfFolder, validateName } from '../base/names.ts'
import { titleOf, type ClusterDocument, type Loaded } from './load.ts'

export interface ChosenCluster {
  readonly name: string
  /** The place that named it, as it is told to people. */
  readonly from: string
  readonly document: ClusterDocument | undefined
}

interface Given {
  readonly flag?: string | undefined
  readonly env?: string | undefined
}

const given = ({ flag, env }: Given): { readonly name: string; readonly from: string } | undefined => {
  for (const [text, from] of [
    [flag, '--name'],
    [env, 'KSAIL_CLUSTER_NAME'],
  ] as const) {
    const name = validateName(text?.trim() ?? '')
    if (name !== undefined) return { name, from }
  }
  return undefined
}

const chosenFolder = (directory: string): { readonly name: string; readonly from: string } => {
  const name = nameOfFolder(basename(directory))
  if (!/^[a-z]/.test(name))
    throw new KsailError('usage', `the folder ${directory} makes no cluster name`, { hint: 'pass --name', reason: 'start' })
  return { name, from: 'the name of the folder' }
}

/** Which cluster is meant, and its document: `--name`, KSAIL_CLUSTER_NAME, metadata.name, the folder's name. Ambiguity is an error that lists all. */
export const chooseCluster = ({ directory, documents }: Loaded, asked: Given): ChosenCluster => {
  const wanted = given(asked)
  const folder = nameOfFolder(basename(directory))
  const named = (document: ClusterDocument): ChosenCluster => {
    const name = document.name === undefined ? undefined : validateName(document.name)
    const own = name === undefined ? chosenFolder(directory) : { name, from: `metadata.name in ${basename(document.file)}` }
    return { ...(wanted ?? own), document }
  }
  const refuse = (message: string, hint = 'pass one of them with --name'): KsailError =>
    new KsailError('usage', `${message}; there are`, {
      reason: 'cluster',
      details: documents.map((it) => titleOf(it, folder)),
      hint,
    })
  const [only] = documents
  if (only === undefined) return { ...(wanted ?? chosenFolder(directory)), document: undefined }
  if (documents.length === 1) {
    if (wanted !== undefined && only.name !== undefined && only.name !== wanted.name)
      throw new KsailError('usage', `${basename(only.file)} is the configuration of cluster "${only.name}", not of "${wanted.name}"`, {
        reason: 'cluster',
        hint: `pass --name ${only.name}, or --config`,
      })
    return named(only)
  }
  if (wanted === undefined) {
    const main = documents.filter((it) => it.main)
    if (main.length === 1) return named(main[0]!)
    throw refuse('several clusters are configured')
  }
  const matching = documents.filter((it) => (it.name ?? folder) === wanted.name)
  if (matching.length > 1) throw refuse(`cluster "${wanted.name}" is configured more than once`, 'give each a metadata.name of its own')
  if (matching.length === 0) throw refuse(`no cluster "${wanted.name}" is configured`)
  return named(matching[0]!)
}
