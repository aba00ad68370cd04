import { randomBytes } from 'node:crypto'
import { link, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { KsailError, messageOf } from '../base/errors.ts'
import type { Context } from '../base/context.ts'
import { stateFolder } from '../io/folders.ts'
import { asideOf, readText, writeJson } from '../io/files.ts'

/** Whose cluster it is: written before the first node, removed after the last. */
export interface ClusterRecord {
  /** Random; the label `io.ksail.project` on everything that was made for the cluster. */
  readonly id: string
  readonly name: string
  /** Absolute folder of the project. */
  readonly project: string
  readonly provider: string
  readonly distribution: string
  /** Host port of the local registry. */
  readonly port?: number | undefined
  /** Ids of the node containers, once they exist. */
  readonly nodes?: readonly string[] | undefined
  /** ISO 8601, UTC. */
  readonly created: string
  readonly kubeconfig: string
  readonly context: string
  /** Whether the network of the nodes was there before this cluster. */
  readonly network?: 'made' | 'there' | undefined
  /** What `--adopt` took over although it carries another label: ids of containers, names of volumes. */
  readonly adopted?: readonly string[] | undefined
}

const folderOf = (ctx: Pick<Context, 'env'>): string => join(stateFolder(ctx.env), 'clusters')

/** Held by the ksail that works on a cluster. */
export const lockOf = (ctx: Pick<Context, 'env'>, name: string): string => join(folderOf(ctx), `${name}.lock`)

const pathOf = (ctx: Pick<Context, 'env'>, name: string): string => {
  if (!/^[\w.-]+$/.test(name) || name.startsWith('.')) throw new KsailError('usage', `"${name}" is no cluster name`)
  return join(folderOf(ctx), `${name}.json`)
}

const parse = (path: string, text: string): ClusterRecord => {
  const broken = (cause?: unknown): KsailError =>
    new KsailError('config', `${path} is not a whole record of a cluster`, {
      cause,
      hint: 'remove that file, then run ksail cluster create --adopt in the project of the cluster',
    })
  let record: ClusterRecord
  try {
    record = JSON.parse(text) as ClusterRecord
  } catch (error) {
    throw broken(error)
  }
  const needed = ['id', 'name', 'project', 'provider', 'distribution', 'created', 'kubeconfig', 'context'] as const
  if (typeof record !== 'object' || record === null || needed.some((key) => typeof record[key] !== 'string')) throw broken()
  return record
}

/** The record of a cluster; undefined when nobody made one of that name here. */
export const readRecord = async (ctx: Pick<Context, 'env'>, name: string): Promise<ClusterRecord | undefined> => {
  const text = await readText(pathOf(ctx, name))
  return text === undefined ? undefined : parse(pathOf(ctx, name), text)
}

/** All records, by name. One that cannot be read is warned of and left out. */
export const listRecords = async (ctx: Pick<Context, 'env' | 'report'>): Promise<readonly ClusterRecord[]> => {
  const folder = folderOf(ctx)
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [] as string[]
    throw error
  })
  const records: ClusterRecord[] = []
  const clusters = names.filter((it) => it.endsWith('.json') && !it.startsWith('.')).map((it) => it.slice(0, -'.json'.length))
  for (const name of clusters.toSorted()) {
    try {
      const record = await readRecord(ctx, name)
      if (record !== undefined) records.push(record)
    } catch (error) {
      ctx.report({ kind: 'warn', text: messageOf(error) })
    }
  }
  return records
}

export const writeRecord = (ctx: Pick<Context, 'env'>, record: ClusterRecord): Promise<void> =>
  writeJson(pathOf(ctx, record.name), record, 0o600)

/**
 * Writes the first record of a cluster with a new random id. Of two that try at once one wins and the other gets `conflict`.
 *
 * @example
 * const record = await createRecord(ctx, { name: 'dev', project: '/home/me/app', provider: 'Docker', distribution: 'Vanilla', kubeconfig: '/home/me/.kube/config', context: 'kind-dev' })
 */
export const createRecord = async (
  ctx: Pick<Context, 'env'>,
  known: Omit<ClusterRecord, 'id' | 'created'> & { readonly id?: string | undefined },
): Promise<ClusterRecord> => {
  const random = randomBytes(8).toString('hex')
  const record: ClusterRecord = { ...known, id: known.id ?? random, created: new Date().toISOString() }
  const path = pathOf(ctx, record.name)
  const aside = await asideOf(path)
  try {
    await writeFile(aside, `${JSON.stringify(record, undefined, 2)}\n`, { mode: 0o600 })
    await link(aside, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw new KsailError('conflict', `another run makes cluster "${record.name}" at this moment`, {
      hint: 'run the command again',
      cause: error,
    })
  } finally {
    await rm(aside, { force: true })
  }
  return record
}

export const removeRecord = (ctx: Pick<Context, 'env'>, name: string): Promise<void> => rm(pathOf(ctx, name), { force: true })
