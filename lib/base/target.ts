/** Where artifacts of a project go, as this host reaches it. */
export interface Registry {
  readonly host: string
  /** undefined: the protocol's own port. */
  readonly port: number | undefined
  /** Empty when the setting names none. */
  readonly repository: string
  readonly tag: string | undefined
  readonly username: string
  readonly password: string
  /** Not loopback. */
  readonly external: boolean
}

/** A cluster and its project, resolved: everything that engines, distributions and registries need to know, as plain data. */
export interface Target {
  readonly name: string
  /** Absolute folder that holds ksail.yaml, else the working directory. */
  readonly project: string
  readonly distribution: string
  readonly provider: string
  readonly engine: string
  /** Absolute path. */
  readonly kubeconfig: string
  readonly context: string
  /** Absolute folder of the manifests. */
  readonly source: string
  /** Repository and tag that push writes and the engine reads when no reference is given. */
  readonly repository: string
  readonly tag: string
  /** Where in the artifact the engine starts, with a leading `./`. */
  readonly path: string
  readonly registryImage: string
  /** Port that the user named for the local registry; undefined: ours to choose. */
  readonly registryPort: number | undefined
  /** The external registry that the user named instead of a local one. */
  readonly registry: Registry | undefined
  readonly nodeImage: string | undefined
  readonly kubernetesVersion: string | undefined
  /** undefined when nobody named a number: the distribution's own configuration decides. */
  readonly controlPlanes: number | undefined
  readonly workers: number | undefined
  /** Absolute path of kind.yaml or its like. */
  readonly distributionConfig: string
  readonly fluxProfile: 'local' | 'stock'
  /** Milliseconds. */
  readonly timeout: number
}
