import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { readTree } from '../../../lib/artifact/build.ts'
import { selectFiles } from '../../../lib/artifact/files.ts'
import { tempFolder } from '../../fakes/context.ts'

let changes: (() => void)[] = []
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>()
  // what changes does so between being found and being read
  const openSync: typeof fs.openSync = (...args) => {
    changes.shift()?.()
    return fs.openSync(...args)
  }
  return { ...fs, openSync }
})

const plant = (text: string): string => {
  const folder = join(tempFolder(), 'k8s')
  mkdirSync(folder)
  writeFileSync(join(folder, 'a.yaml'), text)
  return folder
}

describe('a tree that changes while it is read', () => {
  beforeEach(() => void (changes = []))

  it.each([
    ['longer', 'a: 12345\n'],
    ['shorter', 'a:\n'],
  ])('is read as it is then: %s', (_, text) => {
    const source = plant('a: 1\n')
    changes.push(() => writeFileSync(join(source, 'a.yaml'), text))
    expect(Buffer.from(readTree(source).files[0]!.bytes).toString()).toBe(text)
  })

  it('is read without a file that is gone', async () => {
    const source = plant('a: 1\n')
    writeFileSync(join(source, 'b.yaml'), 'b: 1\n')
    const { rmSync } = await import('node:fs')
    changes.push(() => rmSync(join(source, 'a.yaml')))
    expect(readTree(source).files.map(({ path }) => path)).toEqual(['b.yaml'])
  })

  it('is refused when it does not stop', () => {
    const source = plant('a: 1\n')
    let text = 'a: 1\n'
    const grow = (): void => writeFileSync(join(source, 'a.yaml'), (text += 'b'))
    changes.push(grow, grow, grow)
    expect(() => readTree(source)).toThrow('a.yaml changes while it is read')
    expect(changes).toEqual([])
  })

  it('says what cannot be read', () => {
    const source = plant('a: 1\n')
    const { files } = selectFiles(source)
    changes.push(() => {
      throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' })
    })
    expect(() => files[0]!.read(new Uint8Array(5))).toThrow(/a\.yaml cannot be read: EACCES/)
  })
})
