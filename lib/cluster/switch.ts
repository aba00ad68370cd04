import { parse } from 'yaml'
import type { Context } from '../base/context.ts'
import type { Target } from '../base/target.ts'
import { readText } from '../io/files.ts'
import { setCurrentContext } from '../tools/kubectl.ts'

const currentOf = async (kubeconfig: string): Promise<string | undefined> => {
  const text = await readText(kubeconfig)
  const config = text === undefined ? undefined : (parse(text) as { 'current-context'?: string } | null)
  return config?.['current-context'] || undefined
}

/** Remembers the current context; what it returns puts it back, since making a cluster always switches. Nothing to do unless `keep`. */
export const keepContext = async (target: Target, keep: boolean): Promise<(ctx: Context) => Promise<void>> => {
  if (!keep) return async () => undefined
  const before = await currentOf(target.kubeconfig)
  return async (ctx) => {
    if ((await currentOf(target.kubeconfig)) !== before) await setCurrentContext(ctx, target.kubeconfig, before)
  }
}
