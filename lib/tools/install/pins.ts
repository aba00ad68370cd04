import { host } from '../../io/host.ts'
import type { Slot } from './cache.ts'
import table from './pins.json' with { type: 'json' }

/** A release of a program for this platform whose hash is known; what is not pinned is never installed. */
export interface Pin {
  /** Where the file is; without one the program is in an image. */
  readonly url?: string
  readonly image?: string
  /** The platform of the image, as `linux/amd64`. */
  readonly platform?: string
  /** Of the file, or of the image's index. */
  readonly sha256?: string
  /** Where a project publishes nothing else. */
  readonly sha512?: string
  /** The file in the archive or in the image; without one the url is the program itself. */
  readonly member?: string
}

export type Pins = Readonly<Record<string, { readonly version: string; readonly platforms: Readonly<Record<string, Pin>> }>>

export const pins: Pins = table

/** A program with its pin for a platform. */
export interface Pinned {
  readonly pin: Pin
  /** Where it is kept in the cache. */
  readonly slot: Slot
}

/** The pinned release of a program; undefined when there is none for this platform. */
export const pinned = (tool: string, from: Pins = pins, platform = `${host.platform}-${host.arch}`): Pinned | undefined => {
  const row = from[tool]
  const pin = row?.platforms[platform]
  const hash = pin?.sha256 ?? pin?.sha512
  return row === undefined || pin === undefined || hash === undefined ? undefined : { pin, slot: { tool, version: row.version, hash } }
}

/** Every program that is in the same file. */
export const inSameFile = ({ pin, slot }: Pinned, from: Pins = pins): readonly Pinned[] =>
  Object.keys(from)
    .flatMap((tool) => pinned(tool, from) ?? [])
    .filter((other) => other.pin.url === pin.url && other.slot.hash === slot.hash)
