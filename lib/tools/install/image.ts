import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { classify } from '../../base/classify/index.ts'
import { ExecError, isKsailError, KsailError } from '../../base/errors.ts'
import type { Context } from '../../base/context.ts'
import type { ExecOptions } from '../../base/exec.ts'
import { isLoopback } from '../../base/reference.ts'
import { causeOf } from '../../base/retry.ts'
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

const LIMITS = {
  /** Milliseconds to an answer: a registry that does not give one is a miss, not a reason to wait. */
  answer: 20_000,
  /** Milliseconds without a byte. How long a layer may take in all is the network's to say. */
  idle: 60_000,
}
/** The longest that a layer may take although it gets on. */
const FETCH = 6 * 3600_000
/** Times that is tried: a question, and a layer, which begins anew each time. */
const TRIES = { question: 3, layer: 5 }
/** How often the file that oras writes is looked at, to tell how it gets on (ms). */
const LOOK = 250

interface Layer {
  readonly digest: string
  readonly size?: number
}

/** Where images are fetched: a mirror has each under its whole name, so that one place is enough for all. It changes the place, never the digest. */
export const imagePlaceOf = ({ env }: Pick<Context, 'env'>, image: string): string => {
  const mirror = env['KSAIL_IMAGE_MIRROR'] || undefined
  if (mirror === undefined) return image
  const prefix = mirror.replace(/^(https|oci):\/\//, '').replace(/\/+$/, '')
  if (!/^[\w.-]+(:\d+)?(\/[a-z0-9._-]+)*$/.test(prefix))
    throw new KsailError('config', 'KSAIL_IMAGE_MIRROR is not a registry', {
      hint: 'set it as HOST[:PORT][/PATH]; a login there is that of docker login',
    })
  return `${prefix}/${image}`
}

interface Fetch {
  /** Registry and repository that are asked. */
  readonly place: string
  readonly access: readonly string[]
  /** What progress is told of. */
  readonly text: string
  readonly limits: typeof LIMITS
}

/** A pinned image is everybody's: an old login of the user, or a helper that is not there, must not come in between. A mirror may want one. */
const accessTo = async (place: string, { image }: ImagePin, folder: string): Promise<readonly string[]> => {
  const plain = isLoopback(/^[^:/]*/.exec(place)?.[0] ?? '') ? ['--plain-http'] : []
  if (place !== image) return plain
  const config = join(folder, 'nobody.json')
  await writeFile(config, '{}')
  return ['--registry-config', config, ...plain]
}

/** What oras says of a failure, without the addresses that stand before it. */
const wordsOf = (error: unknown): string =>
  causeOf(error)
    .replace(/^Error(?: response from registry)?: /, '')
    .replace(/^[^]*"https?:\/\/[^"]*": /, '')
    .replace(/^[^]*@sha256:[0-9a-f]*"?: /, '')

/** Whether another try may help. */
const mayHelp = (error: unknown): boolean =>
  isKsailError(error, 'timeout') ||
  (error instanceof ExecError &&
    error.code === 'exec' &&
    classify({ tool: 'oras', exitCode: error.result.exitCode, stderr: error.result.stderr }).retry)

/** What stays of a failure: whose fault it is, and what to do. */
const explained = (error: unknown, place: string): unknown => {
  if (!(error instanceof ExecError) && !isKsailError(error, 'timeout')) return error
  const why = wordsOf(error)
  // as if we had written it ourselves: the cache says what to do
  if (/no space left on device/.test(why)) return Object.assign(new Error(why), { code: 'ENOSPC', syscall: 'write' })
  if (/mismatch/.test(why))
    return new KsailError('refused', `${place} is not what was pinned: ${why}`, {
      hint: 'the registry or a proxy serves something else: sign in if it wants that, or report it',
      cause: error,
    })
  const more = /x509/.test(why) ? ' (SSL_CERT_FILE names further authorities)' : ''
  return new KsailError('unreachable', `${place}: ${why}${more}`, { cause: error })
}

/** Ends a child that takes too long, in words for people. */
const within = (ms: number): AbortSignal => {
  const stop = new AbortController()
  setTimeout(() => stop.abort(new KsailError('timeout', `no answer within ${ms / 1000} s`)), ms).unref()
  return stop.signal
}

/** Asks a registry, again where that may help. */
const ask = async (ctx: Context, { place, text }: Fetch, tries: number, words: readonly string[], options: () => ExecOptions) => {
  for (let tried = 1; ; tried++)
    try {
      return await run(ctx, oras, words, options())
    } catch (error) {
      if (!mayHelp(error) || tried >= tries) throw explained(error, place)
      const ms = Math.round(500 * 4 ** (tried - 1) * (0.75 + ctx.random() / 2))
      ctx.report({ kind: 'retry', text: `${text}: ${wordsOf(error)}`, attempt: tried, of: tries, ms })
      await ctx.sleep(ms)
    }
}

/** One layer to a file. oras neither says how it gets on where nobody looks, nor goes on with half of one: the file is asked. */
const fetchLayer = async (ctx: Context, fetch: Fetch, { digest, size }: Layer, file: string, before: number): Promise<number> => {
  const { place, access, text, limits } = fetch
  const tell = (done: number, total = size): void =>
    ctx.report({ kind: 'progress', text, done: before + done, total: total === undefined ? undefined : before + total, unit: 'bytes' })
  let [known, since] = [-1, ctx.now()]
  let stop = new AbortController()
  const look = setInterval(async () => {
    // oras has not begun to write
    const done = await stat(file).then(
      (it) => it.size,
      () => 0,
    )
    if (done !== known) {
      ;[known, since] = [done, ctx.now()]
      // its end is told once, below
      if (done !== size) tell(done)
    } else if (ctx.now() - since > limits.idle) stop.abort(new KsailError('timeout', `nothing came for ${limits.idle / 1000} s`))
  }, LOOK)
  try {
    await ask(ctx, fetch, TRIES.layer, ['blob', 'fetch', ...access, '--output', file, `${place}@${digest}`], () => {
      ;[stop, since] = [new AbortController(), ctx.now()]
      return { timeout: FETCH, signal: stop.signal }
    })
  } finally {
    clearInterval(look)
  }
  const done = (await stat(file)).size
  tell(done, done)
  return done
}

/** Takes a program out of its image, layer by layer from the last; oras compares every byte with its digest. */
export const fetchFromImage = async (
  ctx: Context,
  pin: ImagePin,
  folder: string,
  { text, limits }: { readonly text: string; readonly limits?: Partial<typeof LIMITS> },
): Promise<string> => {
  const { image, platform, sha256, member } = pin
  const place = imagePlaceOf(ctx, image)
  const fetch = { place, access: await accessTo(place, pin, folder), text, limits: { ...LIMITS, ...limits } }
  const question = ['manifest', 'fetch', ...fetch.access, '--platform', platform, `${place}@sha256:${sha256}`]
  const { stdout } = await ask(ctx, fetch, TRIES.question, question, () => ({ signal: within(fetch.limits.answer) }))
  const { layers = [] } = JSON.parse(stdout) as { readonly layers?: readonly Layer[] }
  const program = join(folder, 'program')
  let done = 0
  for (const [index, layer] of layers.toReversed().entries()) {
    const file = join(folder, `layer-${index}`)
    done += await fetchLayer(ctx, fetch, layer, file, done)
    const missing = await extract(file, new Map([[member, program]])).catch((error: NodeJS.ErrnoException) => {
      if (error.syscall !== undefined) throw error
      // a layer that is packed in another way is not the one
      return new Set([member])
    })
    if (missing.size === 0) return program
  }
  throw new KsailError('unreachable', `${place} has no ${member}`)
}
