import { KsailError } from '../base/errors.ts'
import { isTag } from '../base/reference.ts'

export type TagSource = 'argument' | 'flag' | 'env' | 'config' | 'registry' | 'default'

export interface ChosenTag {
  readonly tag: string
  readonly from: TagSource
}

interface TagPlaces {
  readonly argument?: string | undefined
  readonly flag?: string | undefined
  readonly env?: string | undefined
  readonly config?: string | undefined
  /** The tag inside the registry setting, or inside the resource of the cluster, that won. */
  readonly registry?: string | undefined
}

const ORDER = ['argument', 'flag', 'env', 'config', 'registry'] as const
const NAMES = {
  argument: 'the argument',
  flag: '--tag',
  env: 'KSAIL_TAG',
  config: 'spec.workload.tag',
  registry: 'the registry setting',
} as const

/** The first place that has a tag, else `dev`; empty texts count as not given. Throws `usage` for what is no tag. */
export const chooseTag = (places: TagPlaces): ChosenTag => {
  for (const from of ORDER) {
    const tag = places[from]?.trim()
    if (tag === undefined || tag === '') continue
    if (!isTag(tag))
      throw new KsailError('usage', `"${tag}" of ${NAMES[from]} is not a tag`, {
        reason: 'tag',
        hint: 'use letters, digits, ., _ and -, at most 128',
      })
    return { tag, from }
  }
  return { tag: 'dev', from: 'default' }
}
