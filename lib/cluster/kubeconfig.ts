import type { Context } from '../base/context.ts'
import { isLoopback } from '../base/reference.ts'
import { readText } from '../io/files.ts'

interface Kubeconfig {
  readonly contexts?: readonly { readonly name: string; readonly context?: { readonly cluster?: string } }[] | null
  readonly clusters?: readonly { readonly name: string; readonly cluster?: { readonly server?: string } }[] | null
  readonly 'current-context'?: string
}

export interface KubeconfigEntry {
  readonly context: string
  readonly server: string | undefined
  /** It leads to this machine, as the clusters that ksail makes do. */
  readonly local: boolean
  readonly current: boolean
}

/** The entry of a context; undefined when the file or the entry is missing. A file that is no YAML has none, and is said to be so. */
export const kubeconfigEntry = async (
  ctx: Pick<Context, 'report'>,
  file: string,
  context: string,
): Promise<KubeconfigEntry | undefined> => {
  const text = await readText(file)
  if (text === undefined) return undefined
  const { parseDocument } = await import('yaml')
  const document = parseDocument(text)
  if (document.errors.length > 0) {
    ctx.report({ kind: 'warn', text: `${file} is not a kubeconfig: ${document.errors[0]?.message.split('\n')[0]}` })
    return undefined
  }
  const config = document.toJS() as Kubeconfig | null
  const found = config?.contexts?.find(({ name }) => name === context)
  if (found === undefined) return undefined
  const server = config?.clusters?.find(({ name }) => name === found.context?.cluster)?.cluster?.server
  const host = server === undefined || !URL.canParse(server) ? undefined : new URL(server).hostname.replace(/^\[|\]$/g, '')
  return {
    context,
    server,
    local: host === undefined || host === '0.0.0.0' || isLoopback(host),
    current: config?.['current-context'] === context,
  }
}
