import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { makeFolder, readJson, writeText } from '../../../lib/io/files.ts'

it('writes a file whole, and sweeps the halves beside it that killed processes left, and no others', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'files-'))
  const dead = spawnSync(process.execPath, ['-e', '0']).pid
  const others = [`.${process.ppid}-0123456789ab.tmp`, '.notes.tmp', 'notes']
  for (const name of [`.${dead}-0123456789ab.tmp`, ...others]) await writeFile(join(folder, name), '')
  await writeText(join(folder, 'record'), 'whole')
  expect((await readdir(folder)).toSorted()).toEqual([...others, 'record'].toSorted())
  expect(await readFile(join(folder, 'record'), 'utf8')).toBe('whole')
})

it.each([
  ['a link that leads nowhere', async (folder: string) => symlink(join(folder, 'nowhere'), join(folder, 'x')), 'EEXIST'],
  ['a file', async (folder: string) => writeFile(join(folder, 'x'), ''), 'ENOTDIR'],
  // where nothing is called proc the link leads nowhere
  ['/proc', async (folder: string) => symlink('/proc', join(folder, 'x')), process.platform === 'linux' ? 'ENOENT' : 'EEXIST'],
])('a folder below %s is refused at once', async (_, put, code) => {
  const folder = await mkdtemp(join(tmpdir(), 'files-'))
  await put(folder)
  await expect(makeFolder(join(folder, 'x', 'a', 'b'))).rejects.toMatchObject({ code, syscall: 'mkdir' })
})

it('makes a folder with those above it, also when others make them at the same moment, and tells the first one', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'files-'))
  const paths = Array.from({ length: 20 }, (_, index) => join(folder, 'a', 'b', String(index)))
  await Promise.all(paths.map((path) => makeFolder(path, 0o700)))
  expect((await readdir(join(folder, 'a', 'b'))).length).toBe(20)
  expect((await stat(join(folder, 'a'))).mode & 0o777).toBe(0o700)
  expect(await makeFolder(join(folder, 'c', 'd', 'e'))).toBe(join(folder, 'c'))
  expect(await makeFolder(join(folder, 'c', 'd', 'e'))).toBeUndefined()
})

it('a damaged file is named, with what to do', async () => {
  const path = join(await mkdtemp(join(tmpdir(), 'files-')), 'unit.json')
  await writeFile(path, '')
  await expect(readJson(path)).rejects.toMatchObject({
    code: 'config',
    message: expect.stringContaining(`${path} is damaged: `),
    hint: 'remove that file, then run the command again',
  })
})
