/** How a program is compiled: a wrapper module in templates/go pins every source by its sum, Go's own proxy delivers them. */
export interface Recipe {
  /** Folder of the wrapper module. */
  readonly folder: string
  readonly package: string
  /** The module whose version is the program's. */
  readonly module: string
  readonly tags?: string
  /** What the linker writes into it, so that it can say its version. */
  readonly stamp?: (version: string) => Readonly<Record<string, string>>
}

const kubernetes = (name: string): Recipe => ({
  folder: 'kubernetes',
  package: `k8s.io/kubernetes/cmd/${name}`,
  module: 'k8s.io/kubernetes',
  tags: 'selinux,notest,grpcnotrace',
  stamp: (version) => {
    const [major = '', minor = ''] = version.replace(/^v/, '').split('.')
    const values = {
      gitVersion: version,
      gitMajor: major,
      gitMinor: minor,
      gitTreeState: 'clean',
      gitCommit: '0'.repeat(40),
      buildDate: '2026-01-01T00:00:00Z',
    }
    return Object.fromEntries(
      ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((path) =>
        Object.entries(values).map(([name, value]) => [`${path}.${name}`, value]),
      ),
    )
  },
})

const controller = (name: string): Recipe => ({ folder: name, package: `github.com/fluxcd/${name}`, module: `github.com/fluxcd/${name}` })

/** Every program that an installed Go toolchain can make here. */
export const recipes: Readonly<Record<string, Recipe>> = {
  etcd: { folder: 'etcd', package: 'go.etcd.io/etcd/server/v3', module: 'go.etcd.io/etcd/server/v3' },
  'kube-apiserver': kubernetes('kube-apiserver'),
  'kube-controller-manager': kubernetes('kube-controller-manager'),
  'kube-scheduler': kubernetes('kube-scheduler'),
  kubectl: kubernetes('kubectl'),
  'source-controller': controller('source-controller'),
  'kustomize-controller': controller('kustomize-controller'),
  'helm-controller': controller('helm-controller'),
  registry: {
    folder: 'registry',
    package: 'github.com/distribution/distribution/v3/cmd/registry',
    module: 'github.com/distribution/distribution/v3',
    stamp: (version) => ({ 'github.com/distribution/distribution/v3/version.version': version }),
  },
  kwok: {
    folder: 'kwok',
    package: 'sigs.k8s.io/kwok/cmd/kwok',
    module: 'sigs.k8s.io/kwok',
    stamp: (version) => ({ 'sigs.k8s.io/kwok/pkg/consts.Version': version }),
  },
  'controller-gen': {
    folder: 'controller-gen',
    package: 'sigs.k8s.io/controller-tools/cmd/controller-gen',
    module: 'sigs.k8s.io/controller-tools',
  },
  oras: { folder: 'oras', package: 'oras.land/oras/cmd/oras', module: 'oras.land/oras' },
  kind: { folder: 'kind', package: 'sigs.k8s.io/kind', module: 'sigs.k8s.io/kind' },
  sops: { folder: 'sops', package: 'github.com/getsops/sops/v3/cmd/sops', module: 'github.com/getsops/sops/v3' },
  age: { folder: 'age', package: 'filippo.io/age/cmd/age', module: 'filippo.io/age', stamp: (version) => ({ 'main.Version': version }) },
  'age-keygen': {
    folder: 'age',
    package: 'filippo.io/age/cmd/age-keygen',
    module: 'filippo.io/age',
    stamp: (version) => ({ 'main.Version': version }),
  },
}

/** The version of a module in the text of a go.mod. */
export const versionIn = (text: string, module: string): string | undefined =>
  text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .map((words) => (words[0] === 'require' ? words.slice(1) : words))
    .find(([path]) => path === module)?.[1]
