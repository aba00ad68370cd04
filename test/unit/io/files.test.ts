import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { writeText } from '../../../lib/io/files.ts'

it('writes a file whole, and sweeps the halves beside it that killed processes left, and no others', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'files-'))
  const dead = spawnSync(process.execPath, ['-e', '0']).pid
  const others = [`.${process.ppid}-0123456789ab.tmp`, '.notes.tmp', 'notes']
  for (const name of [`.${dead}-0123456789ab.tmp`, ...others]) await writeFile(join(folder, name), '')
  await writeText(join(folder, 'record'), 'whole')
  expect((await readdir(folder)).toSorted()).toEqual([...others, 'record'].toSorted())
  expect(await readFile(join(folder, 'record'), 'utf8')).toBe('whole')
})
