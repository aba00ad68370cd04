import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, stat, type FileHandle } from 'node:fs/promises'
import type { Context } from '../base/context.ts'
import { KsailError, isKsailError, messageOf } from '../base/errors.ts'
import { isLoopback } from '../base/reference.ts'
import { formatAmount } from './amount.ts'
import { whyFailed } from './http.ts'

export interface Transfer {
  readonly url: string
  /** The header that lets us in. */
  readonly authorization?: string
  /** Where the bytes go. What is there already is taken for the beginning of the file; what was fetched of it stays after a failure. */
  readonly to: string
  readonly algorithm: 'sha256' | 'sha512'
  /** What progress is told of. */
  readonly text: string
  readonly limits?: Partial<typeof LIMITS>
}

export interface Transferred {
  /** Of all bytes, in hexadecimal digits. */
  readonly hash: string
  readonly size: number
  /** Some of the bytes came by an earlier answer than the last. */
  readonly resumed: boolean
}

const LIMITS = {
  /** Times that it is tried without getting on: where release sites are blocked, nobody wants to wait for the way around them. */
  tries: 3,
  /** The same once something has come: it can be had, and a network that went away needs its time to come back. */
  patience: 5,
  /** Milliseconds to an answer. */
  answer: 15_000,
  /** Milliseconds without a byte. */
  idle: 60_000,
  largest: 400_000_000,
}

/** Bytes after which a transfer has got on: the next break is the first one again. */
const GAIN = 250_000
/** Bytes between two tellings of progress, and milliseconds where they come slowly. */
const STEP = 500_000
const OFTEN = 500
/** The longest that a server may ask to wait (ms). */
const PATIENCE = 60_000

/** Bytes may be changed by nobody on their way: plain HTTP is for this machine alone. */
const isSafe = (url: string): boolean => {
  const { protocol, hostname } = new URL(url)
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname.replace(/^\[|\]$/g, '')))
}

/** A file that grows, and what is known of its beginning. */
interface Part {
  readonly file: FileHandle
  size: number
  hash: Hash
  resumed: boolean
  /** Tells whether the file behind the URL is still the same. */
  tag: string | undefined
}

const openPart = async ({ to, algorithm }: Transfer): Promise<Part> => {
  const hash = createHash(algorithm)
  const { size } = await stat(to).catch(() => ({ size: 0 }))
  if (size > 0) for await (const chunk of createReadStream(to)) hash.update(chunk as Buffer)
  return { file: await open(to, 'a'), size, hash, resumed: false, tag: undefined }
}

const emptied = async (part: Part, algorithm: string): Promise<void> => {
  await part.file.truncate(0)
  Object.assign(part, { size: 0, hash: createHash(algorithm), resumed: false, tag: undefined })
}

const WHY: Readonly<Record<number, string>> = {
  401: 'it wants credentials',
  403: 'a proxy or the mirror refused',
  404: 'it is not there',
}

interface Again extends Error {
  /** Milliseconds that the server asked to wait. */
  readonly after?: number
}

const failed = (url: string, why: string, again: boolean, more: { readonly cause?: unknown; readonly after?: number | undefined } = {}) =>
  Object.assign(new KsailError('unreachable', `${url}: ${why}`, { reason: again ? 'again' : undefined, cause: more.cause }), {
    after: more.after,
  })

/** A failure after which the next run has less to do. */
const kept = (error: KsailError, { size: done }: Part): KsailError =>
  new KsailError(
    error.code,
    `${error.message}; ${formatAmount({ done, total: undefined, unit: 'bytes' })} of it are kept, the next run goes on there`,
    {
      reason: error.reason,
      cause: error,
    },
  )

const waitOf = (response: Response): number | undefined => {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds * 1000, PATIENCE) : undefined
}

/** What an answer is: its bytes continue the part, or begin the file anew. Undefined: the part is the whole file. */
const begin = async (response: Response, part: Part, { url, algorithm }: Transfer): Promise<{ total: number | undefined } | undefined> => {
  const length = Number(response.headers.get('content-length') ?? Number.NaN)
  const [, from, whole] = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '') ?? []
  if (response.status === 416 && Number(whole) === part.size) {
    part.resumed = true
    return undefined
  }
  if (response.status === 416 || (response.status === 206 && Number(from) !== part.size)) {
    await emptied(part, algorithm)
    throw failed(url, 'the server does not continue where it was', true)
  }
  if (!response.ok || response.body === null) {
    const { status } = response
    throw failed(url, `status ${status}, ${WHY[status] ?? 'try again later'}`, status >= 500 || status === 408 || status === 429, {
      after: waitOf(response),
    })
  }
  if (response.status === 206) part.resumed = true
  else if (part.size > 0) await emptied(part, algorithm)
  const tag = response.headers.get('etag')
  part.tag = tag?.startsWith('"') ? tag : undefined
  return { total: Number.isFinite(length) ? part.size + length : undefined }
}

/** One request: what it brings is at the end of the part, whether it ends well or not. */
const fetchOnce = async (ctx: Context, transfer: Transfer, part: Part): Promise<void> => {
  const { url, text } = transfer
  const { answer, idle, largest } = { ...LIMITS, ...transfer.limits }
  const stop = new AbortController()
  const after = (ms: number, why: string) => setTimeout(() => stop.abort(new Error(why)), ms)
  let timer = after(answer, `no answer within ${answer / 1000} s`)
  const headers = {
    // the bytes of the file as they are, also from a server that would pack them once more
    'accept-encoding': 'identity',
    ...(transfer.authorization === undefined ? {} : { authorization: transfer.authorization }),
    ...(part.size > 0 ? { range: `bytes=${part.size}-`, ...(part.tag === undefined ? {} : { 'if-range': part.tag }) } : {}),
  }
  try {
    const response = await ctx.fetch(url, { headers, signal: AbortSignal.any([ctx.signal, stop.signal]) })
    if (!isSafe(response.url || url)) throw new KsailError('refused', `${url} leads to ${response.url}, which is not https`)
    const begun = await begin(response, part, transfer)
    if (begun === undefined) return
    const { total } = begun
    const tooLarge = (): KsailError => new KsailError('refused', `${url} is larger than ${largest} bytes`)
    if ((total ?? 0) > largest) throw tooLarge()
    let [told, at] = [-STEP, 0]
    const tell = (): void => {
      ;[told, at] = [part.size, ctx.now()]
      ctx.report({ kind: 'progress', text, done: told, total, unit: 'bytes' })
    }
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      clearTimeout(timer)
      timer = after(idle, `nothing came for ${idle / 1000} s`)
      await part.file.appendFile(chunk)
      part.hash.update(chunk)
      part.size += chunk.length
      if (part.size > largest) throw tooLarge()
      if ((part.size - told >= STEP || ctx.now() - at >= OFTEN) && part.size !== total) tell()
    }
    if (total !== undefined && part.size !== total) throw failed(url, `it ended at ${part.size} of ${total} bytes`, true)
    ctx.report({ kind: 'progress', text, done: part.size, total: part.size, unit: 'bytes' })
  } catch (error) {
    if (ctx.signal.aborted) throw ctx.signal.reason
    // what the disk says is not the server's
    if (isKsailError(error) || (error as NodeJS.ErrnoException).syscall === 'write') throw error
    const { why, again } = stop.signal.aborted ? { why: messageOf(stop.signal.reason), again: true } : whyFailed(error)
    throw failed(url, why, again, { cause: error })
  } finally {
    clearTimeout(timer)
    // what is not read to its end would keep its connection
    stop.abort()
  }
}

/**
 * The bytes behind a URL to a file, and their hash. A transfer that breaks off goes on where it was, if the server can; each retry is
 * reported. Throws `unreachable` when it cannot be had, `refused` for what is larger than can be or not https.
 *
 * @example
 * const { hash } = await transfer(ctx, { url: 'https://example.com/tool', to: '/tmp/tool', algorithm: 'sha256', text: 'downloading tool' })
 */
export const transfer = async (ctx: Context, options: Transfer): Promise<Transferred> => {
  if (!isSafe(options.url)) throw new KsailError('refused', `${options.url} is not https`, { hint: 'plain HTTP is for this machine alone' })
  const { tries, patience } = { ...LIMITS, ...options.limits }
  const part = await openPart(options)
  try {
    let most = tries
    for (let tried = 1; ; tried++) {
      const before = part.size
      try {
        await fetchOnce(ctx, options, part)
        return { hash: part.hash.digest('hex'), size: part.size, resumed: part.resumed }
      } catch (error) {
        if (part.size - before >= GAIN) [tried, most] = [1, patience]
        if (!isKsailError(error, 'unreachable') || error.reason !== 'again') throw error
        if (tried >= most) throw part.size > 0 ? kept(error, part) : error
        const ms = Math.round((error as Again).after ?? 500 * 4 ** (tried - 1) * (0.75 + ctx.random() / 2))
        const where = part.size > 0 ? `; going on at ${formatAmount({ done: part.size, total: undefined, unit: 'bytes' })}` : ''
        ctx.report({ kind: 'retry', text: `${error.message.replace(options.url, options.text)}${where}`, attempt: tried, of: most, ms })
        await ctx.sleep(ms)
      }
    }
  } finally {
    await part.file.close()
  }
}
