import { createReadStream, createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'

const BLOCK = 512

const textAt = (header: Buffer, from: number, length: number): string => {
  const field = header.subarray(from, from + length)
  const end = field.indexOf(0)
  return field.subarray(0, end === -1 ? length : end).toString('utf8')
}

/** The bytes of one regular file in a stream of tar blocks, as they come. */
const memberOf = async function* (source: AsyncIterable<Buffer>, member: string, limit: number): AsyncIterable<Buffer> {
  let rest: Buffer = Buffer.alloc(0)
  let left = 0
  let wanted = false
  let padding = 0
  for await (const chunk of source) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    for (;;) {
      if (left > 0) {
        const part = rest.subarray(0, left)
        if (part.length === 0) break
        left -= part.length
        rest = rest.subarray(part.length)
        if (wanted) yield part
        if (left > 0) break
        if (wanted) return
      }
      if (padding > 0) {
        const skipped = Math.min(padding, rest.length)
        padding -= skipped
        rest = rest.subarray(skipped)
        if (padding > 0) break
      }
      if (rest.length < BLOCK) break
      const header = rest.subarray(0, BLOCK)
      rest = rest.subarray(BLOCK)
      const [prefix, name] = [textAt(header, 257, 5) === 'ustar' ? textAt(header, 345, 155) : '', textAt(header, 0, 100)]
      left = Number.parseInt(textAt(header, 124, 12).trim() || '0', 8)
      padding = (BLOCK - (left % BLOCK)) % BLOCK
      const type = String.fromCharCode(header[156] ?? 0)
      wanted = [prefix, name].filter(Boolean).join('/').replace(/^\.\//, '') === member && (type === '0' || type === '\0')
      if (wanted && left > limit) throw new Error(`${member} is larger than ${limit} bytes`)
    }
  }
  throw new Error(`the archive holds no whole file ${member}`)
}

/** Takes one regular file out of a .tar.gz, by its exact name. */
export const extractMember = async (archive: string, member: string, to: string, limit = 500_000_000): Promise<void> =>
  pipeline(memberOf(createReadStream(archive).pipe(createGunzip()), member, limit), createWriteStream(to, { mode: 0o755 }))

/** Whether a .tar.gz holds that regular file, whole. */
export const holdsMember = async (archive: string, member: string): Promise<boolean> => {
  try {
    for await (const _chunk of memberOf(createReadStream(archive).pipe(createGunzip()), member, Number.MAX_SAFE_INTEGER)) void _chunk
    return true
  } catch {
    return false
  }
}
