import type { ProjectOptions } from '../config/project.ts'
import type { PlannedStep } from './preview.ts'

export interface CreateOptions extends ProjectOptions {
  /** Keeps what was made when a step fails. */
  readonly retain?: boolean | undefined
  /** Takes over a moved project or what others made under this name. */
  readonly adopt?: boolean | undefined
  /** false: the current context of the kubeconfig stays. */
  readonly switch?: boolean | undefined
  /** Gives a short-lived token of CI to the cluster all the same. */
  readonly allowShortLived?: boolean | undefined
  /** Says what would be done, and with which commands; changes nothing. */
  readonly dryRun?: boolean | undefined
  /** Reports when each step began and how long it took. */
  readonly timings?: boolean | undefined
}

export interface CreateResult {
  readonly name: string
  readonly context: string
  readonly kubeconfig: string
  readonly provider: string
  readonly engine: string
  /** `localhost:5050`, or the external registry. */
  readonly registry: string | undefined
  /** Repository, tag and digest that are live. */
  readonly reference: string | undefined
  readonly digest: string | undefined
  /** Today's tree was sent; false where the cluster was whole already and went on with what its tag held. */
  readonly pushed: boolean
  /** Nothing had to be done. */
  readonly already: boolean
  /** Only with `dryRun`: what would be done, in an order in which it could be. */
  readonly planned?: readonly PlannedStep[] | undefined
  readonly ms: number
}
