import { start } from './programs.ts'

/** What the tests look at in objects of Kubernetes and Flux, and in lists of them. */
export interface KubeObject {
  readonly metadata: { readonly name: string; readonly generation?: number; readonly resourceVersion: string }
  readonly data?: Readonly<Record<string, string>>
  readonly spec: { readonly url?: string }
  readonly status: {
    readonly phase?: string
    readonly lastAppliedRevision?: string
    readonly artifact?: { readonly revision: string }
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly observedGeneration?: number }[]
    readonly containerStatuses?: readonly { readonly ready: boolean }[]
  }
  readonly items: readonly KubeObject[]
}

/** Paths of the objects that ksail makes for Flux. */
export const SOURCE = '/apis/source.toolkit.fluxcd.io/v1/namespaces/flux-system/ocirepositories/flux-system'
export const SYNC = '/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations/flux-system'

export interface Api {
  readonly get: (path: string) => Promise<KubeObject>
  /** Ends the program behind it; the next question starts another one. */
  readonly close: () => Promise<void>
}

/** The API of a cluster by `kubectl proxy`: an answer in milliseconds, where starting kubectl takes a tenth of a second. */
export const api = (access: readonly string[]): Api => {
  let proxy: ReturnType<typeof begin> | undefined
  const begin = () => {
    const running = start('kubectl', [...access, 'proxy', '--port', '0'])
    const at = running.line(/Starting to serve/).then((line) => /127\.0\.0\.1:\d+/.exec(line)?.[0])
    return { running, at }
  }
  return {
    get: async (path) => {
      proxy ??= begin()
      return (await fetch(`http://${await proxy.at}${path}`)).json() as Promise<KubeObject>
    },
    close: async () => {
      const { running } = proxy ?? {}
      proxy = undefined
      running?.child.kill('SIGTERM')
      await running?.done
    },
  }
}
