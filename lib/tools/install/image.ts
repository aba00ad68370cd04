import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isKsailError, KsailError, messageOf } from '../../base/errors.ts'
import type { Context } from '../../base/context.ts'
import { isLoopback } from '../../base/reference.ts'
import { run } from '../run.ts'
import { tool as oras } from '../oras.ts'
import { extract } from './extract.ts'

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
const TRIES = 3
/** How often the file that oras writes is looked at, to tell how it gets on (ms). */
const LOOK = 250

interface Layer {
  readonly digest: string
  readonly size?: number
}

/** A pinned image is everybody's: an old login of the user, or a helper that is not there, must not come in between. */
const accessTo = async (image: string, folder: string): Promise<readonly string[]> => {
  const config = join(folder, 'nobody.json')
  await writeFile(config, '{}')
  return ['--registry-config', config, ...(isLoopback(/^[^:/]*/.exec(image)?.[0] ?? '') ? ['--plain-http'] : [])]
}

interface Fetch {
  readonly image: string
  readonly access: readonly string[]
  /** What progress is told of. */
  readonly text: string
}

/** One layer to a file. oras does not say how it gets on where nobody looks, so the file is asked. */
const fetchLayer = async (ctx: Context, { image, access, text }: Fetch, { digest, size }: Layer, file: string): Promise<void> => {
  const look = setInterval(() => {
    void stat(file).then(
      // its end is told once, below
      ({ size: done }) => done !== size && ctx.report({ kind: 'progress', text, done, total: size, unit: 'bytes' }),
      // oras has not begun to write
      () => undefined,
    )
  }, LOOK)
  try {
    for (let tried = 1; ; tried++)
      try {
        await run(ctx, oras, ['blob', 'fetch', ...access, '--output', file, `${image}@${digest}`], { timeout: FETCH })
        break
      } catch (error) {
        if (!isKsailError(error, 'exec', 'unreachable') || tried >= TRIES) throw error
        const ms = Math.round(500 * 4 ** (tried - 1) * (0.75 + ctx.random() / 2))
        ctx.report({ kind: 'retry', text: `${image}: ${error.details.at(-1) ?? error.message}`, attempt: tried, of: TRIES, ms })
        await ctx.sleep(ms)
      }
  } finally {
    clearInterval(look)
  }
  const done = size ?? (await stat(file)).size
  ctx.report({ kind: 'progress', text, done, total: done, unit: 'bytes' })
}

/** Takes a program out of its image, layer by layer from the last; oras compares every byte with its digest. */
export const fetchFromImage = async (
  ctx: Context,
  { image, platform, sha256, member }: ImagePin,
  folder: string,
  text: string,
): Promise<string> => {
  try {
    const access = await accessTo(image, folder)
    const { stdout } = await run(ctx, oras, ['manifest', 'fetch', ...access, '--platform', platform, `${image}@sha256:${sha256}`], {
      timeout: ANSWER,
    })
    const { layers = [] } = JSON.parse(stdout) as { readonly layers?: readonly Layer[] }
    const program = join(folder, 'program')
    for (const [index, layer] of layers.toReversed().entries()) {
      const file = join(folder, `layer-${index}`)
      await fetchLayer(ctx, { image, access, text }, layer, file)
      // a layer that is packed in another way is not the one
      const missing = await extract(file, new Map([[member, program]])).catch(() => new Set([member]))
      if (missing.size === 0) return program
    }
  } catch (error) {
    if (!isKsailError(error)) throw error
    const { code, details }: KsailError = error
    if (['interrupted', 'terminated', 'refused', 'config'].includes(code)) throw error
    // what oras said last tells more than that it failed
    const why = code === 'tool' ? 'oras, which fetches it, is not here' : (details.at(-1) ?? messageOf(error))
    throw new KsailError('unreachable', `${image}: ${why}`, { cause: error })
  }
  throw new KsailError('unreachable', `${image} has no ${member}`)
}
