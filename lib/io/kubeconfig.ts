import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isMap, isSeq, parseDocument, type Document } from 'yaml'
import { configError } from '../base/errors.ts'
import type { Context } from '../base/context.ts'
import { readText, writeText } from './files.ts'
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
  const document = parseDocument((await readText(file)) || 'apiVersion: v1\nkind: Config\n')
  const [error] = document.errors
  if (error !== undefined || !isMap(document.contents))
    throw configError(
      { file, line: error?.linePos?.[0].line },
      error?.message.split('\n')[0] ?? 'is no kubeconfig',
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
    edit(document)
    // yaml folds long lines otherwise; kubeconfigs hold certificates in one line
    const text = document.toString({ lineWidth: 0 })
    if (text !== before || (await readText(file)) === undefined) await writeText(file, text, 0o600)
  })

/** Writes a cluster's context into a kubeconfig and makes it current; everything else in the file stays. */
export const writeContext = async (ctx: Context, file: string, { name, server, certificate, token }: KubeconfigEntry): Promise<void> => {
  await mkdir(dirname(file), { recursive: true })
  await change(ctx, file, (document) => {
    put(document, 'clusters', name, 'cluster', { 'certificate-authority-data': Buffer.from(certificate).toString('base64'), server })
    put(document, 'contexts', name, 'context', { cluster: name, user: name })
    put(document, 'users', name, 'user', { token })
    document.set('current-context', name)
  })
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
