import { access, constants, realpath } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isMap, isSeq, parseDocument, visit, type Document } from 'yaml'
import { configError } from '../base/errors.ts'
import type { Context } from '../base/context.ts'
import { makeFolder, readText, writeText } from './files.ts'
import { withLock } from './lock.ts'

export interface KubeconfigEntry {
  /** Of context, cluster and user alike. */
  readonly name: string
  readonly server: string
  /** PEM. */
  readonly certificate: string
  readonly token: string
}

const LISTS = ['clusters', 'contexts', 'users'] as const

const read = async (file: string): Promise<Document> => {
  const document: Document = parseDocument((await readText(file)) ?? '')
  // what holds nothing, or comments alone, is a kubeconfig of no clusters, as for kubectl
  if (document.contents === null) document.contents = document.createNode({ apiVersion: 'v1', kind: 'Config' })
  const [error] = document.errors
  if (error !== undefined || !isMap(document.contents))
    throw configError(
      { file, line: error?.linePos?.[0].line },
      error === undefined ? 'this is no kubeconfig' : `this is no YAML: ${error.message.split(/ at line \d+|\n/)[0]}`,
      'correct it, or name another one with --kubeconfig',
    )
  return document
}

const without = (document: Document, list: string, name: string): void => {
  const items = document.get(list)
  if (isSeq(items)) items.items = items.items.filter((item) => !(isMap(item) && item.get('name') === name))
}

const put = (document: Document, list: string, name: string, key: string, value: object): void => {
  without(document, list, name)
  const node = document.createNode({ name, [key]: value })
  const items = document.get(list)
  if (isSeq(items)) items.add(node)
  else document.set(list, document.createNode([node]))
}

/** One writer at a time: the lock is the file that kubectl takes too. */
const change = (ctx: Context, file: string, edit: (document: Document) => void): Promise<void> =>
  withLock(ctx, `${file}.lock`, file, async () => {
    const document = await read(file)
    const before = document.toString()
    // an entry that is taken away may be the one that others only point to
    visit(document, { Alias: (_key, alias) => document.createNode(alias.toJS(document)) })
    edit(document)
    // many keep it as a link into a folder of theirs: the link stays, as kubectl leaves it
    const real = await realpath(file).catch(() => file)
    // yaml folds long lines otherwise; kubeconfigs hold certificates in one line
    const text = document.toString({ lineWidth: 0 })
    if (text !== before || (await readText(file)) === undefined) await writeText(real, text, 0o600)
  })

/** Throws where a context could not be written later: what is no kubeconfig, or may not be changed. */
export const checkKubeconfig = async (file: string): Promise<void> => {
  if ((await readText(file)) === undefined) {
    await makeFolder(dirname(file))
    await access(dirname(file), constants.W_OK)
    return
  }
  await read(file)
  await access(file, constants.W_OK)
}

/** Writes a cluster's context into a kubeconfig and makes it current; everything else in the file stays. */
export const writeContext = async (ctx: Context, file: string, { name, server, certificate, token }: KubeconfigEntry): Promise<void> => {
  await makeFolder(dirname(file))
  await change(ctx, file, (document) => {
    put(document, 'clusters', name, 'cluster', { 'certificate-authority-data': Buffer.from(certificate).toString('base64'), server })
    put(document, 'contexts', name, 'context', { cluster: name, user: name })
    put(document, 'users', name, 'user', { token })
    document.set('current-context', name)
  })
}

type Named = { readonly name?: unknown; readonly [key: string]: unknown }
type Plain = Readonly<Record<string, unknown>>

/** The one of a list that has this name, when these are all the keys that it has. */
const onlyOf = (list: unknown, name: unknown, key: string, keys: readonly string[]): Plain | undefined => {
  const found = Array.isArray(list) ? (list as (Named | null)[]).filter((it) => it?.name === name) : []
  const value = found[0]?.[key]
  if (found.length !== 1 || typeof value !== 'object' || value === null) return undefined
  return Object.keys(value).every((it) => keys.includes(it)) ? (value as Plain) : undefined
}

/** An address of this machine, its certificate, and what its user shows: a token, or a certificate and its key. */
export interface PlainEntry {
  readonly server: string
  readonly authority: string
  readonly user: { readonly token: string } | { readonly certificate: string; readonly key: string }
}

const decoded = (text: unknown): string | undefined =>
  typeof text === 'string' && text !== '' ? Buffer.from(text, 'base64').toString('utf8') : undefined

const userOf = (list: unknown, name: unknown): PlainEntry['user'] | undefined => {
  const token = onlyOf(list, name, 'user', ['token'])?.['token']
  if (typeof token === 'string' && token !== '') return { token }
  const pair = onlyOf(list, name, 'user', ['client-certificate-data', 'client-key-data'])
  const [certificate, key] = [decoded(pair?.['client-certificate-data']), decoded(pair?.['client-key-data'])]
  return certificate === undefined || key === undefined ? undefined : { certificate, key }
}

/**
 * A context that is an address of this machine, its certificate and a user of one kind and nothing else, as ksail and kind write it. undefined
 * for every other one, and where the file does not have it or cannot be read: that is for kubectl to tell.
 */
export const readPlainEntry = async (file: string, context: string): Promise<PlainEntry | undefined> => {
  const text = await readText(file).catch(() => undefined)
  // what these words are not in has no such context: most files need no reading
  if (text === undefined || !text.includes(context) || !/\b(token|client-key-data): /.test(text)) return undefined
  const document = parseDocument(text)
  if (document.errors.length > 0) return undefined
  const config = document.toJS() as Plain | null
  const { cluster: clusterName, user: userName } = onlyOf(config?.['contexts'], context, 'context', ['cluster', 'user', 'namespace']) ?? {}
  const cluster = onlyOf(config?.['clusters'], clusterName, 'cluster', ['server', 'certificate-authority-data'])
  const user = userOf(config?.['users'], userName)
  const { server } = cluster ?? {}
  const authority = decoded(cluster?.['certificate-authority-data'])
  if (typeof server !== 'string' || authority === undefined || user === undefined) return undefined
  if (!/^https:\/\/(127\.0\.0\.1|localhost|\[::1\]):\d+\/?$/.test(server)) return undefined
  return { server, authority, user }
}

/** Whether the file has this very context, current or not. */
export const hasEntry = async (file: string, { name, server, certificate, token }: KubeconfigEntry): Promise<boolean> => {
  if ((await readText(file)) === undefined) return false
  const config = (await read(file)).toJS() as {
    readonly [key: string]: readonly { readonly name: string; readonly [key: string]: unknown }[] | null | undefined
  }
  const of = (list: string, key: string): Record<string, unknown> =>
    ((config[list] ?? []).find((it) => it.name === name)?.[key] ?? {}) as Record<string, unknown>
  const cluster = of('clusters', 'cluster')
  return (
    cluster['server'] === server &&
    cluster['certificate-authority-data'] === Buffer.from(certificate).toString('base64') &&
    of('users', 'user')['token'] === token &&
    of('contexts', 'context')['cluster'] === name
  )
}

/** Whether the file has a context of that name. */
export const hasContextNamed = async (file: string, name: string): Promise<boolean> => {
  if ((await readText(file)) === undefined) return false
  const { contexts } = (await read(file)).toJS() as { readonly contexts?: readonly { readonly name: string }[] | null }
  return contexts?.some((it) => it.name === name) === true
}

/** Takes a cluster's context out of a kubeconfig. */
export const removeContext = async (ctx: Context, file: string, name: string): Promise<void> => {
  const text = await readText(file)
  if (text === undefined || !text.includes(name)) return
  await change(ctx, file, (document) => {
    for (const list of LISTS) without(document, list, name)
    if (document.get('current-context') === name) document.set('current-context', '')
  })
}
