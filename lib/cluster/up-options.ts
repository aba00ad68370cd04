import type { CreateOptions, CreateResult } from './create-options.ts'
import type { InitResult } from './init.ts'

export interface UpOptions extends CreateOptions {
  /** With the example in the start folder, when a project is made. */
  readonly example?: boolean | undefined
}

export interface UpResult {
  readonly name: string
  readonly context: string
  readonly registry: string | undefined
  readonly reference: string | undefined
  readonly digest: string | undefined
  /** Files that were written because there was no project. */
  readonly files: InitResult['files']
  /** Nothing had to be done. */
  readonly already: boolean
  /** Only with `dryRun`: what would be done. */
  readonly planned?: CreateResult['planned']
  readonly ms: number
}
