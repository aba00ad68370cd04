import type { Entry, Found } from './files.ts'

const BLOCK = 512

const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\0`

/** ustar splits a name of more than 100 bytes at a slash: up to 155 before it, up to 100 after it. */
const split = (name: Buffer): { prefix: Buffer; name: Buffer } | undefined => {
  if (name.length <= 100) return { prefix: Buffer.alloc(0), name }
  for (let at = Math.min(155, name.length - 2); at > 0; at--)
    if (name[at] === 0x2f && name.length - at - 1 <= 100) return { prefix: name.subarray(0, at), name: name.subarray(at + 1) }
  return undefined
}

/** Writes a header into an empty block. */
const writeHeader = (block: Buffer, { path, size, mode, type }: Item): void => {
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
  let sum = 0
  for (const byte of block) sum += byte
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
}

interface Item {
  readonly path: string
  readonly size: number
  readonly mode: number
  readonly type: string
  /** What comes after its header. */
  readonly content?: Uint8Array | Found
}

/** A name that ustar cannot hold goes into a PAX record before its entry. */
const pax = (path: string): Item => {
  const rest = Buffer.byteLength(` path=${path}\n`)
  let length = rest + String(rest).length
  if (String(length).length !== String(rest).length) length = rest + String(length).length
  const bytes = Buffer.from(`${length} path=${path}\n`)
  return { path: 'PaxHeaders/path', size: bytes.length, mode: 0o644, type: 'x', content: bytes }
}

/** What an archive of these files holds, in order: parent folders before what they hold. */
const itemsOf = (files: readonly (Entry | Found)[]): readonly Item[] => {
  const folders = new Set<string>()
  const items: Item[] = []
  const add = (item: Item): void => {
    if (split(Buffer.from(item.path)) === undefined) items.push(pax(item.path))
    items.push(item)
  }
  for (const file of files) {
    const { path, executable } = file
    for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
      const folder = path.slice(0, at + 1)
      if (folders.has(folder)) continue
      folders.add(folder)
      add({ path: folder, size: 0, mode: 0o755, type: '5' })
    }
    const content = 'bytes' in file ? file.bytes : file
    add({ path, size: 'bytes' in file ? file.bytes.length : file.size, mode: executable ? 0o755 : 0o644, type: '0', content })
  }
  return items
}

const wholeBlocks = (size: number): number => Math.ceil(size / BLOCK) * BLOCK

/**
 * A ustar archive of files in the order given, parent folders before them, and the same files as parts of it, so that nobody has to keep
 * their bytes twice. The same names, bytes and executable bits give the same archive.
 */
export const tar = (files: readonly (Entry | Found)[]): { readonly archive: Uint8Array; readonly files: readonly Entry[] } => {
  const items = itemsOf(files)
  const archive = Buffer.alloc(items.reduce((sum, { size }) => sum + BLOCK + wholeBlocks(size), 2 * BLOCK))
  const inside: Entry[] = []
  let at = 0
  for (const item of items) {
    writeHeader(archive.subarray(at, at + BLOCK), item)
    at += BLOCK
    const { path, size, mode, type, content } = item
    const bytes = archive.subarray(at, at + size)
    if (content instanceof Uint8Array) bytes.set(content)
    else content?.read(bytes)
    if (type === '0') inside.push({ path, bytes, executable: mode === 0o755 })
    at += wholeBlocks(size)
  }
  return { archive, files: inside }
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
