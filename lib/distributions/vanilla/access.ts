import { parse } from 'yaml'
import type { Context } from '../../base/context.ts'
import { readText } from '../../io/files.ts'
import * as kind from '../../tools/kind.ts'
import type { Node } from '../distribution.ts'

interface Kubeconfig {
  readonly 'current-context'?: string
  readonly contexts?: readonly { readonly name: string; readonly context: { readonly cluster: string } }[]
  readonly clusters?: readonly { readonly name: string; readonly cluster: { readonly server?: string } }[]
}

/** Whether the kubeconfig has this context and it points at this port of this machine. */
export const hasContext = async (file: string, context: string, port: number | undefined): Promise<boolean> => {
  const text = await readText(file)
  if (text === undefined) return false
  const config = parse(text) as Kubeconfig | null
  const cluster = config?.contexts?.find(({ name }) => name === context)?.context.cluster
  const server = config?.clusters?.find(({ name }) => name === cluster)?.cluster.server
  return server !== undefined && port !== undefined && server.endsWith(`:${port}`)
}

/** Writes the context when it is missing or points elsewhere, for example after another cluster of that name. */
export const ensureContext = async (
  ctx: Context,
  { name, kubeconfig, context }: { readonly name: string; readonly kubeconfig: string; readonly context: string },
  nodes: readonly (Node & { readonly ports?: Readonly<Record<string, number>> })[],
): Promise<void> => {
  const port = nodes.map(({ ports }) => ports?.['6443/tcp']).find((it) => it !== undefined)
  if (!(await hasContext(kubeconfig, context, port))) await kind.exportKubeconfig(ctx, name, kubeconfig)
}
