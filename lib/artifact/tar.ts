import type { Entry } from './files.ts'

const BLOCK = 512

const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\0`

/** ustar splits a name of more than 100 bytes at a slash: up to 155 before it, up to 100 after it. */
const split = (name: Buffer): { prefix: Buffer; name: Buffer } | undefined => {
  if (name.length <= 100) return { prefix: Buffer.alloc(0), name }
  for (let at = Math.min(155, name.length - 2); at > 0; at--)
    if (name[at] === 0x2f && name.length - at - 1 <= 100) return { prefix: name.subarray(0, at), name: name.subarray(at + 1) }
  return undefined
}

const header = (path: string, size: number, mode: number, type: string): Buffer => {
  const block = Buffer.alloc(BLOCK)
  const parts = split(Buffer.from(path)) ?? { prefix: Buffer.alloc(0), name: Buffer.from(path).subarray(0, 100) }
  parts.name.copy(block, 0)
  block.write(octal(mode, 8), 100)
  block.write(octal(0, 8), 108)
  block.write(octal(0, 8), 116)
  block.write(octal(size, 12), 124)
  block.write(octal(0, 12), 136)
  block.write('        ', 148)
  block.write(type, 156)
  block.write('ustar\x0000', 257)
  parts.prefix.copy(block, 345)
  block.write(
    `${block
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  )
  return block
}

const padded = (bytes: Uint8Array): Uint8Array[] => [bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK)]

/** A name that ustar cannot hold goes into a PAX record before its entry. */
const pax = (path: string): Uint8Array[] => {
  const rest = Buffer.byteLength(` path=${path}\n`)
  let length = rest + String(rest).length
  if (String(length).length !== String(rest).length) length = rest + String(length).length
  const record = Buffer.from(`${length} path=${path}\n`)
  return [header('PaxHeaders/path', record.length, 0o644, 'x'), ...padded(record)]
}

const blocks = (path: string, bytes: Uint8Array, mode: number, type: string): Uint8Array[] => [
  ...(split(Buffer.from(path)) === undefined ? pax(path) : []),
  header(path, bytes.length, mode, type),
  ...padded(bytes),
]

/** A ustar archive of files in the order given, parent folders before them. The same names, bytes and executable bits give the same archive. */
export const tar = (files: readonly Entry[]): Uint8Array => {
  const folders = new Set<string>()
  const parts: Uint8Array[] = []
  for (const { path, bytes, executable } of files) {
    for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
      const folder = path.slice(0, at + 1)
      if (folders.has(folder)) continue
      folders.add(folder)
      parts.push(...blocks(folder, new Uint8Array(), 0o755, '5'))
    }
    parts.push(...blocks(path, bytes, executable ? 0o755 : 0o644, '0'))
  }
  parts.push(Buffer.alloc(2 * BLOCK))
  return Buffer.concat(parts)
}

const text = (block: Uint8Array, from: number, to: number): string => {
  const bytes = block.subarray(from, to)
  const end = bytes.indexOf(0)
  return Buffer.from(end === -1 ? bytes : bytes.subarray(0, end)).toString('utf8')
}

/** The regular files of an archive, whoever packed it. */
export const untar = (bytes: Uint8Array): Entry[] => {
  const files: Entry[] = []
  let long: string | undefined
  for (let at = 0; at + BLOCK <= bytes.length;) {
    const block = bytes.subarray(at, at + BLOCK)
    if (block[0] === 0) break
    const size = Number.parseInt(text(block, 124, 136).trim(), 8) || 0
    const content = bytes.subarray(at + BLOCK, at + BLOCK + size)
    const type = text(block, 156, 157)
    const prefix = text(block, 257, 262) === 'ustar' ? text(block, 345, 500) : ''
    const path = (long ?? (prefix === '' ? text(block, 0, 100) : `${prefix}/${text(block, 0, 100)}`)).replace(/^\.\//, '')
    long = undefined
    if (type === 'x') long = /\d+ path=([^\n]*)\n/.exec(Buffer.from(content).toString('utf8'))?.[1]
    else if (type === 'L') long = text(content, 0, content.length)
    else if (type === '0' || type === '')
      files.push({ path, bytes: content, executable: (Number.parseInt(text(block, 100, 108).trim(), 8) & 0o100) !== 0 })
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK
  }
  return files
}
