import type { Tool } from '../base/tool.ts'

const program = (name: string, summary: string, accepts: string, home: string, version: readonly string[] = ['--version']): Tool => ({
  name,
  summary,
  accepts,
  version,
  home,
})

const KUBERNETES = 'https://kubernetes.io/releases/download/'
const FLUX = 'https://fluxcd.io/flux/components/'

/** What a cluster without containers is made of: each runs as a process of this user. The Flux controllers do not say their version. */
export const programs = {
  etcd: program('etcd', 'keeps the state of a cluster', '>=3.5 <4', 'https://etcd.io/docs/latest/install/'),
  'kube-apiserver': program('kube-apiserver', 'the API of a cluster', '>=1.33 <2', KUBERNETES),
  'kube-controller-manager': program('kube-controller-manager', 'namespaces, garbage collection and the like', '>=1.33 <2', KUBERNETES),
  'kube-scheduler': program('kube-scheduler', 'gives pods to nodes', '>=1.33 <2', KUBERNETES),
  kwok: program('kwok', 'simulates nodes and pods', '>=0.6 <1', 'https://kwok.sigs.k8s.io'),
  'source-controller': program('source-controller', 'fetches artifacts for Flux', '*', FLUX, []),
  'kustomize-controller': program('kustomize-controller', 'applies artifacts for Flux', '*', FLUX, []),
  'helm-controller': program('helm-controller', 'installs charts for Flux', '*', FLUX, []),
  'controller-gen': program(
    'controller-gen',
    'makes kinds from Go types',
    '>=0.16 <1',
    'https://book.kubebuilder.io/reference/controller-gen',
  ),
  registry: program('registry', 'keeps artifacts', '>=2.8 <4', 'https://distribution.github.io/distribution/'),
} as const satisfies Record<string, Tool>

export type ProgramName = keyof typeof programs
