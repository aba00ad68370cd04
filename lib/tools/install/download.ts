import { createReadStream } from 'node:fs'
import { rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { KsailError, isKsailError, messageOf } from '../../base/errors.ts'
import { step } from '../../base/events.ts'
import type { Context } from '../../base/context.ts'
import { host } from '../../io/host.ts'
import { transfer } from '../../io/transfer.ts'
import { tool as oras } from '../oras.ts'
import { cached, folderOf, inStaging, install, once, partOf } from './cache.ts'
import { extract } from './extract.ts'
import { fetchFromImage, imagePlaceOf } from './image.ts'
import { inSameFile, pinned, pins, type Pinned, type Pins } from './pins.ts'

/** Where a file is fetched. */
interface Place {
  readonly url: string
  /** What the mirror wants to know; its URL is shown and written down without it. */
  readonly authorization?: string
}

/** The same path on a mirror: it changes the place, never the hash. */
export const placeOf = ({ env, secrets }: Pick<Context, 'env' | 'secrets'>, url: string): Place => {
  const text = env['KSAIL_MIRROR'] || undefined
  if (text === undefined) return { url }
  if (!/^https?:\/\//.test(text) || !URL.canParse(text))
    throw new KsailError('config', 'KSAIL_MIRROR is not a URL', { hint: 'set it as https://[USER:PASSWORD@]HOST[:PORT][/PATH]' })
  const mirror = new URL(text)
  const [user, password] = [mirror.username, mirror.password].map(decodeURIComponent) as [string, string]
  Object.assign(mirror, { username: '', password: '' })
  const { host: name, pathname } = new URL(url)
  const place = `${mirror.href.replace(/\/+$/, '')}/${name}${pathname}`
  if (user === '' && password === '') return { url: place }
  const login = Buffer.from(`${user}:${password}`).toString('base64')
  for (const secret of [password, login]) if (secret !== '') secrets.add(secret)
  return { url: place, authorization: `Basic ${login}` }
}

/** Where a release would come from, for people. */
export const shownPlaceOf = (ctx: Pick<Context, 'env' | 'secrets'>, { pin }: Pinned): string =>
  pin.image === undefined ? placeOf(ctx, pin.url ?? '').url : `${imagePlaceOf(ctx, pin.image)}@sha256:${pin.sha256}`

/** Hosts that could not be reached: not tried again for the next program of the same command. */
const silent = new WeakMap<Context['locate'], Set<string>>()

const silentFor = ({ locate }: Context): Set<string> => {
  const known = silent.get(locate) ?? new Set<string>()
  silent.set(locate, known)
  return known
}

const mismatch = async (url: string, file: string, { pin, slot }: Pinned, actual: string): Promise<KsailError> => {
  const isPage = /^\s*<(!doctype|html)/i.test(await text(createReadStream(file, { end: 200 })))
  const variable = `KSAIL_TOOL_${slot.tool.replaceAll('-', '_').toUpperCase()}`
  return new KsailError('refused', `${url} is not what was pinned for ${slot.tool} ${slot.version}`, {
    details: [
      `expected ${pin.sha256 === undefined ? 'sha512' : 'sha256'} ${slot.hash}`,
      `got ${actual}, ${(await stat(file)).size} bytes${isPage ? ', a web page: perhaps the sign-in of a network or a proxy' : ''}`,
    ],
    hint: isPage
      ? 'open that address in a browser and sign in if it asks, then run the command again'
      : `the mirror or a proxy serves something else: report it, or set ${variable}`,
  })
}

/** The file of a pin, its hash compared. One that was put together from several answers is fetched once more when it does not fit. */
const fetchFile = async (ctx: Context, place: Place, to: string, wanted: Pinned, told: string): Promise<void> => {
  const { url } = place
  const { host: name } = new URL(url)
  const silentHosts = silentFor(ctx)
  if (silentHosts.has(name)) throw new KsailError('unreachable', `${name} does not answer`)
  const algorithm = wanted.pin.sha256 === undefined ? 'sha512' : 'sha256'
  for (;;) {
    const { hash, resumed } = await transfer(ctx, { ...place, to, algorithm, text: told }).catch((error: unknown) => {
      if (isKsailError(error, 'unreachable') && error.reason === 'again') silentHosts.add(name)
      throw error
    })
    if (hash === wanted.slot.hash) return
    const error = await mismatch(url, to, wanted, hash)
    await rm(to, { force: true })
    if (!resumed) throw error
    ctx.report({ kind: 'note', text: `${url} changed while it was fetched: once more from its beginning` })
  }
}

/** A step whose failure may be another's turn: a site that cannot be reached is told, and given up. */
const tryStep = <T>(ctx: Context, text: string, work: () => Promise<T>): Promise<T> =>
  step(ctx, text, work).catch((error: unknown) => {
    if (isKsailError(error, 'unreachable', 'tool')) ctx.report({ kind: 'missed', text, why: messageOf(error) })
    throw error
  })

/** Gets a file into the cache, with every program in it that is pinned. */
const fetchAll = async (ctx: Context, wanted: Pinned, all: readonly Pinned[]): Promise<void> => {
  const place = placeOf(ctx, wanted.pin.url ?? '')
  const { url } = place
  const told = `downloading ${all.map(({ slot }) => slot.tool).join(' and ')} ${wanted.slot.version}`
  const part = partOf(ctx, wanted.slot)
  await tryStep(ctx, told, () =>
    inStaging(ctx, async (folder) => {
      await fetchFile(ctx, place, part, wanted, told)
      const file = join(folder, 'file')
      await rename(part, file)
      const programs = all.map(({ slot }) => join(folder, slot.tool))
      const members = all.flatMap(({ pin }, index) => (pin.member === undefined ? [] : [[pin.member, programs[index] as string] as const]))
      if (members.length === 0) await rename(file, programs[0] as string)
      else {
        const [missing] = await extract(file, new Map(members), { zip: url.endsWith('.zip') })
        if (missing !== undefined) throw new KsailError('refused', `${url}: the archive holds no whole file ${missing}`)
      }
      for (const [index, { slot }] of all.entries()) await install(ctx, slot, programs[index] as string, { source: 'download', from: url })
    }),
  )
}

const fromImage = async (ctx: Context, wanted: Pinned): Promise<string> => {
  const { pin, slot } = wanted
  const { image = '', platform = '', sha256 = '', member = '' } = pin
  const told = `fetching ${slot.tool} ${slot.version} out of its image`
  // while it is not here nothing is fetched
  await ctx.locate(oras).catch((error: unknown) => {
    throw isKsailError(error, 'tool') ? new KsailError('tool', 'oras, which fetches it, is not here', { cause: error }) : error
  })
  return tryStep(ctx, told, () =>
    inStaging(ctx, async (folder) =>
      install(ctx, slot, await fetchFromImage(ctx, { image, platform, sha256, member }, folder, { text: told }), {
        source: 'image',
        from: shownPlaceOf(ctx, wanted),
      }),
    ),
  )
}

/**
 * Gets the pinned release of a program into the cache. A hash that does not match is refused; an unreachable site is a miss. What is in
 * the same archive comes with it; whoever asks meanwhile for one of them waits for the same transfer.
 */
export const download = async (
  ctx: Context,
  tool: string,
  miss: (why: string) => undefined,
  from: Pins = pins,
): Promise<string | undefined> => {
  const wanted = pinned(tool, from)
  if (wanted === undefined) return miss(`no release of ${tool} is pinned for ${host.platform}-${host.arch}`)
  if (ctx.env['KSAIL_OFFLINE'] === '1') return miss('KSAIL_OFFLINE is set')
  const { pin, slot } = wanted
  if (pin.image !== undefined)
    return once(ctx, folderOf(ctx, slot), `the download of ${tool}`, async () => (await cached(ctx, slot)) ?? fromImage(ctx, wanted))
  await once(ctx, partOf(ctx, slot), `the download of ${tool}`, async () => {
    if ((await cached(ctx, slot)) === undefined) await fetchAll(ctx, wanted, inSameFile(wanted, from))
  })
  return cached(ctx, slot)
}
