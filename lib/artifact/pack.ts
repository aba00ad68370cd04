import { gunzipSync, gzipSync } from 'fflate'
import { KsailError } from '../base/errors.ts'
import type { Entry } from './files.ts'
import { untar } from './tar.ts'

/** gzip, byte for byte the same under Node, Deno and Bun: fflate, because their zlibs differ. */
export const pack = (archive: Uint8Array): Uint8Array => {
  const zipped = gzipSync(archive, { level: 6, mtime: 0 })
  // byte 9 names the operating system: 255 is "unknown"
  zipped[9] = 255
  return zipped
}

/** The regular files of a tar.gz, whoever packed it. */
export const unpack = (zipped: Uint8Array): Entry[] => {
  let archive: Uint8Array
  try {
    archive = gunzipSync(zipped)
  } catch (cause) {
    throw new KsailError('failed', 'the layer is no tar.gz', { cause })
  }
  return untar(archive)
}
