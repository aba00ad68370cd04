import { createReadStream } from 'node:fs'
import { open, readFile, writeFile, type FileHandle } from 'node:fs/promises'
import { createGunzip } from 'node:zlib'

const BLOCK = 512
const LARGEST = 500_000_000

/** The wanted files of an archive, and where each goes. */
type Members = ReadonlyMap<string, string>

const textAt = (header: Buffer, from: number, length: number): string => {
  const field = header.subarray(from, from + length)
  const end = field.indexOf(0)
  return field.subarray(0, end === -1 ? length : end).toString('utf8')
}

/** What is in a header block of a tar: the name of a regular file, undefined for anything else, and the bytes that follow. */
const readHeader = (header: Buffer): { readonly name: string | undefined; readonly size: number } => {
  const [prefix, name] = [textAt(header, 257, 5) === 'ustar' ? textAt(header, 345, 155) : '', textAt(header, 0, 100)]
  const type = String.fromCharCode(header[156] ?? 0)
  const path = [prefix, name].filter(Boolean).join('/')
  return {
    name: type === '0' || type === '\0' ? path.replace(/^\.?\//, '') : undefined,
    size: Number.parseInt(textAt(header, 124, 12).trim() || '0', 8),
  }
}

/** The bytes of the wanted regular files in a stream of tar blocks, as they come. */
const partsOf = async function* (
  source: AsyncIterable<Buffer>,
  wanted: Members,
): AsyncIterable<{ readonly name: string; readonly part: Buffer; readonly last: boolean }> {
  let rest: Buffer = Buffer.alloc(0)
  let name: string | undefined
  /** Bytes of the file that are still to come, then bytes that fill its last block. */
  let left = 0
  let padding = 0
  for await (const chunk of source) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    for (;;) {
      if (left > 0 && rest.length > 0) {
        const part = rest.subarray(0, left)
        left -= part.length
        rest = rest.subarray(part.length)
        if (name !== undefined && wanted.has(name)) yield { name, part, last: left === 0 }
      }
      const skipped = left > 0 ? 0 : Math.min(padding, rest.length)
      padding -= skipped
      rest = rest.subarray(skipped)
      if (left > 0 || padding > 0 || rest.length < BLOCK) break
      ;({ name, size: left } = readHeader(rest.subarray(0, BLOCK)))
      rest = rest.subarray(BLOCK)
      padding = (BLOCK - (left % BLOCK)) % BLOCK
      if (name !== undefined && wanted.has(name) && left > LARGEST) throw new Error(`${name} is larger than ${LARGEST} bytes`)
    }
  }
}

const fromTar = async (archive: string, members: Members, missing: Set<string>): Promise<void> => {
  const packed = createReadStream(archive)
  const source = packed.pipe(createGunzip())
  packed.once('error', (error) => source.destroy(error))
  let file: FileHandle | undefined
  try {
    for await (const { name, part, last } of partsOf(source, members)) {
      file ??= await open(members.get(name) as string, 'w', 0o755)
      await file.appendFile(part)
      if (!last) continue
      await file.close()
      file = undefined
      missing.delete(name)
      if (missing.size === 0) return
    }
  } finally {
    await file?.close()
    packed.destroy()
    source.destroy()
  }
}

const fromZip = async (archive: string, members: Members, missing: Set<string>): Promise<void> => {
  const { unzipSync } = await import('fflate')
  const filter = ({ name, originalSize }: { name: string; originalSize: number }): boolean => members.has(name) && originalSize <= LARGEST
  for (const [name, content] of Object.entries(unzipSync(await readFile(archive), { filter }))) {
    await writeFile(members.get(name) as string, content, { mode: 0o755 })
    missing.delete(name)
  }
}

/** Takes regular files out of a .tar.gz or a .zip, by their exact names; the names that are not in it, whole. */
export const extract = async (archive: string, members: Members, { zip = false } = {}): Promise<ReadonlySet<string>> => {
  const missing = new Set(members.keys())
  await (zip ? fromZip : fromTar)(archive, members, missing)
  return missing
}
