import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { KsailError, isKsailError, messageOf } from '../../base/errors.ts'
import { step } from '../../base/events.ts'
import type { Context } from '../../base/context.ts'
import { host } from '../../io/host.ts'
import { cached, inStaging, install, type Slot } from './cache.ts'
import pins from './pins.json' with { type: 'json' }
import { fetchFromImage } from './image.ts'
import { extractMember } from './tar.ts'

/** A release of a program for this platform whose hash is known; what is not pinned is never installed. */
interface Pin {
  /** Where the file is; without one the program is in an image. */
  readonly url?: string
  readonly image?: string
  readonly platform?: string
  readonly sha256?: string
  /** Where a project publishes nothing else. */
  readonly sha512?: string
  /** The file in the archive; without one the url is the program itself. */
  readonly member?: string
}

type Pins = Readonly<Record<string, { readonly version: string; readonly platforms: Readonly<Record<string, Pin>> }>>

const TRIES = 3
const CONNECT = 15_000
const IDLE = 60_000
const LARGEST = 400_000_000

const pinOf = (tool: string, from: Pins): { readonly version: string; readonly pin: Pin } | undefined => {
  const row = from[tool]
  const pin = row?.platforms[`${host.platform}-${host.arch}`]
  return row === undefined || pin === undefined || (pin.sha256 ?? pin.sha512) === undefined ? undefined : { version: row.version, pin }
}

/** Where the pinned release of a program is kept; undefined when none is pinned for this platform. */
export const pinSlot = async (tool: string, from: Pins = pins): Promise<Slot | undefined> => {
  const found = pinOf(tool, from)
  return found === undefined ? undefined : { tool, version: found.version, hash: (found.pin.sha256 ?? found.pin.sha512) as string }
}

/** The same path on a mirror: it changes the place, never the hash. */
const placeOf = (ctx: Context, url: string): string => {
  const mirror = ctx.env['KSAIL_MIRROR']
  if (mirror === undefined || mirror === '') return url
  const { host: name, pathname } = new URL(url)
  return `${mirror.replace(/\/$/, '')}/${name}${pathname}`
}

const isSafe = (url: string): boolean => url.startsWith('https://') || /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])[:/]/.test(url)

/** One try: the bytes to a file, their hash; throws `unreachable` for what another try may change or a firewall may be. */
const fetchOnce = async (ctx: Context, url: string, to: string, algorithm: string, text: string): Promise<string> => {
  const stop = new AbortController()
  let timer = setTimeout(() => stop.abort(), CONNECT)
  const alive = (): void => {
    clearTimeout(timer)
    timer = setTimeout(() => stop.abort(), IDLE)
  }
  try {
    const response = await ctx.fetch(url, { signal: AbortSignal.any([ctx.signal, stop.signal]) })
    if (!isSafe(response.url || url)) throw new KsailError('refused', `${url} leads to ${response.url}, which is not https`)
    if (!response.ok || response.body === null) {
      const why =
        response.status === 403 ? 'a proxy or the mirror refused' : response.status === 404 ? 'it is not there' : 'try again later'
      throw new KsailError('unreachable', `${url}: status ${response.status}, ${why}`, {
        reason: response.status >= 500 || [408, 429].includes(response.status) ? 'again' : undefined,
      })
    }
    const total = Number(response.headers.get('content-length')) || undefined
    if ((total ?? 0) > LARGEST) throw new KsailError('refused', `${url} is larger than ${LARGEST} bytes`)
    const hash = createHash(algorithm)
    let done = 0
    let told = 0
    const meter = new Transform({
      transform: (chunk: Buffer, _encoding, next) => {
        alive()
        hash.update(chunk)
        done += chunk.length
        if (done - told > 500_000) ctx.report({ kind: 'progress', text, done: (told = done), total, unit: 'bytes' })
        next(done > LARGEST ? new KsailError('refused', `${url} is larger than ${LARGEST} bytes`) : null, chunk)
      },
    })
    await pipeline(response.body, meter, createWriteStream(to))
    return hash.digest('hex')
  } catch (error) {
    if (ctx.signal.aborted) throw ctx.signal.reason
    if (isKsailError(error)) throw error
    const cause = (error as Error).cause
    throw new KsailError('unreachable', `${url}: ${cause === undefined ? messageOf(error) : messageOf(cause)}`, {
      reason: 'again',
      cause: error,
    })
  } finally {
    clearTimeout(timer)
  }
}

/** Hosts that could not be reached in this process: not tried again for the next program. */
const silent = new Set<string>()

const fetchFile = async (ctx: Context, url: string, to: string, algorithm: string, text: string): Promise<string> => {
  const { host: name } = new URL(url)
  if (silent.has(name)) throw new KsailError('unreachable', `${name} does not answer`)
  for (let tried = 1; ; tried++)
    try {
      return await fetchOnce(ctx, url, to, algorithm, text)
    } catch (error) {
      if (!isKsailError(error, 'unreachable')) throw error
      if (error.reason !== 'again' || tried >= TRIES) {
        if (error.reason === 'again') silent.add(name)
        throw error
      }
      await ctx.sleep(500 * 4 ** (tried - 1) * (0.75 + ctx.random() / 2))
    }
}

const fromImage = (ctx: Context, slot: Slot, { image = '', platform = '', sha256 = '', member = '' }: Pin): Promise<string> =>
  inStaging(ctx, (folder) =>
    step(ctx, `fetching ${slot.tool} ${slot.version} out of its image`, async () =>
      install(ctx, slot, await fetchFromImage(ctx, { image, platform, sha256, member }, folder), {
        source: 'image',
        from: `${image}@sha256:${sha256}`,
      }),
    ),
  )

/** Gets the pinned release of a program into the cache. A hash that does not match is refused; an unreachable site is a miss. */
export const download = async (
  ctx: Context,
  tool: string,
  miss: (why: string) => undefined,
  from: Pins = pins,
): Promise<string | undefined> => {
  const found = pinOf(tool, from)
  const slot = await pinSlot(tool, from)
  if (found === undefined || slot === undefined) return miss(`no release of ${tool} is pinned for ${host.platform}-${host.arch}`)
  if (ctx.env['KSAIL_OFFLINE'] === '1') return miss('KSAIL_OFFLINE is set')
  const { pin, version } = found
  if (pin.image !== undefined) return fromImage(ctx, slot, pin)
  const url = placeOf(ctx, pin.url ?? '')
  const [algorithm, expected] = pin.sha256 === undefined ? ['sha512', pin.sha512 as string] : ['sha256', pin.sha256]
  const text = `downloading ${tool} ${version}`
  return inStaging(ctx, async (folder) => {
    const file = join(folder, 'file')
    ctx.report({ kind: 'step', text })
    const start = ctx.now()
    const actual = await fetchFile(ctx, url, file, algorithm, text)
    if (actual !== expected)
      throw new KsailError('refused', `${url} is not what was pinned`, {
        details: [`expected ${algorithm} ${expected}`, `got ${actual}, ${(await stat(file)).size} bytes`],
        hint: `the mirror or a proxy serves something else: report it, or set KSAIL_TOOL_${tool.replaceAll('-', '_').toUpperCase()}`,
      })
    const program = join(folder, 'program')
    if (pin.member === undefined) await rename(file, program)
    else await extractMember(file, pin.member, program)
    const path = (await cached(ctx, slot)) ?? (await install(ctx, slot, program, { source: 'download', from: url }))
    ctx.report({ kind: 'done', text, ms: ctx.now() - start })
    return path
  })
}
