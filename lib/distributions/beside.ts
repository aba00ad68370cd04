/** The registry beside a cluster as it is now. */
export interface BesideRegistry {
  readonly id: string
  readonly name: string
  /** Whose it is, as LABELS say. */
  readonly labels: Readonly<Record<string, string>>
  readonly running: boolean
  /** In the words of what it is made of. */
  readonly status: string
  /** Port of this machine. */
  readonly port: number | undefined
  /** Another one at each start, and at the first link: somebody else chooses it. */
  readonly wanders?: boolean | undefined
}

export interface EnsureBeside {
  readonly cluster: string
  readonly owner: { readonly id: string; readonly project: string; readonly adopted?: readonly string[] | undefined }
  readonly image: string
  /** Port that the user named. */
  readonly port: number | undefined
  /** Port that this cluster had before. */
  readonly recorded: number | undefined
  readonly adopt: boolean
  /** Milliseconds that may pass until it answers. */
  readonly timeout: number
}
