import { join } from 'node:path'
import { isKsailError, KsailError, messageOf } from '../../base/errors.ts'
import type { Context } from '../../base/context.ts'
import { run } from '../run.ts'
import { tool as oras } from '../oras.ts'
import { extractMember, holdsMember } from './tar.ts'

/** A program in a published image: the digest of its index settles every byte of every platform. */
export interface ImagePin {
  /** Registry and repository. */
  readonly image: string
  /** As `linux/amd64`. */
  readonly platform: string
  /** The digest of the index, without `sha256:`. */
  readonly sha256: string
  readonly member: string
}

/** A registry that does not answer is a miss, not a reason to wait. */
const ANSWER = 20_000
const FETCH = 10 * 60_000

interface Manifest {
  readonly layers?: readonly { readonly digest: string; readonly mediaType: string }[]
}

const plain = (image: string): readonly string[] => (/^(localhost|127\.0\.0\.1)[:/]/.test(image) ? ['--plain-http'] : [])

/** Takes a program out of its image, layer by layer from the last; oras compares every byte with its digest. */
export const fetchFromImage = async (ctx: Context, { image, platform, sha256, member }: ImagePin, folder: string): Promise<string> => {
  try {
    const { stdout } = await run(ctx, oras, ['manifest', 'fetch', ...plain(image), '--platform', platform, `${image}@sha256:${sha256}`], {
      timeout: ANSWER,
    })
    const layers = (JSON.parse(stdout) as Manifest).layers ?? []
    const program = join(folder, 'program')
    for (const [index, { digest }] of layers.toReversed().entries()) {
      const file = join(folder, `layer-${index}`)
      await run(ctx, oras, ['blob', 'fetch', ...plain(image), '--output', file, `${image}@${digest}`], { timeout: FETCH })
      if (!(await holdsMember(file, member))) continue
      await extractMember(file, member, program)
      return program
    }
  } catch (error) {
    if (!isKsailError(error) || isKsailError(error, 'interrupted', 'terminated', 'refused')) throw error
    throw new KsailError('unreachable', `${image}: ${messageOf(error)}`, { cause: error })
  }
  throw new KsailError('unreachable', `${image} has no ${member}`)
}
