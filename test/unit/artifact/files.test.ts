import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { KsailError } from '../../../lib/base/errors.ts'
import { selectFiles } from '../../../lib/artifact/files.ts'
import { tempFolder } from '../../fakes/context.ts'
import { plant } from '../../topics/artifact.ts'

describe('selectFiles', () => {
  it.each([
    ['nowhere', 'does not exist'],
    ['k8s/a.yaml', 'is not a directory'],
  ])('names a source that is none: %s', async (path, text) => {
    const root = await plant({ 'a.yaml': 'kind: X\n' })
    expect(() => selectFiles(join(root, '..', path))).toThrow(
      expect.objectContaining({ code: 'usage', message: expect.stringContaining(text) }) as Error,
    )
  })

  it('is status 2 for a folder without files', async () => {
    expect(() => selectFiles(tempFolder())).toThrow(expect.objectContaining({ exitCode: 2 }) as Error)
  })

  it('brings back a folder of the default list, and rules of a nested file count after it', async () => {
    const root = await plant({
      '.sourceignore': '!node_modules/\n',
      'node_modules/p/a.yaml': 'a: 1\n',
      'node_modules/p/b.yaml': 'b: 1\n',
      'node_modules/p/.sourceignore': '/b.yaml\n',
      'x y/.sourceignore': 'c.yaml\n',
      'x y/c.yaml': 'c: 1\n',
      'x y/deep/c.yaml': 'c: 1\n',
    })
    expect(selectFiles(root).files.map(({ path }) => path)).toEqual(['node_modules/p/a.yaml'])
  })

  it('leaves out the configuration of the project, which may hold a login', async () => {
    const root = await plant({
      'a.yaml': 'a: 1\n',
      'ksail.yaml': 'kind: Cluster\n',
      'ksail.prod.yaml': 'kind: Cluster\n',
      'sub/ksail.yaml': 'b: 1\n',
    })
    expect(selectFiles(root).files.map(({ path }) => path)).toEqual(['a.yaml', 'sub/ksail.yaml'])
  })

  it('does not follow a link to a file that is never packed', async () => {
    const root = await plant({ 'a.yaml': 'a: 1\n', '.env': 'A=b', 'x.yaml': { type: 'symlink', target: '.env' } })
    expect(selectFiles(root)).toMatchObject({ files: [{ path: 'a.yaml' }], warned: [{ path: '.env' }, { path: 'x.yaml' }] })
  })

  it('says which link leads nowhere', async () => {
    const root = await plant({ 'a.yaml': 'a: 1\n', 'x.yaml': { type: 'symlink', target: 'gone.yaml' } })
    expect(() => selectFiles(root)).toThrow(KsailError)
    expect(() => selectFiles(root)).toThrow('x.yaml is a link to nothing')
  })

  it.each(['back\\slash.yaml', 'dots../a.yaml', '.../a.yaml'])('refuses a name that Flux does not unpack: %s', async (name) => {
    const root = await plant({ 'b.yaml': 'a: 1\n', [name]: 'a: 1\n' })
    expect(() => selectFiles(root)).toThrow(expect.objectContaining({ exitCode: 3, message: expect.stringContaining(name) }) as Error)
    writeFileSync(join(root, '.sourceignore'), '*slash.yaml\n*../\n')
    expect(selectFiles(root).files.map(({ path }) => path)).toEqual(['b.yaml'])
  })

  it('takes other names with dots', async () => {
    const root = await plant({ '..a/..b.yaml': 'a: 1\n' })
    expect(selectFiles(root).files.map(({ path }) => path)).toEqual(['..a/..b.yaml'])
  })

  it('names a file whose name is no text', async () => {
    const root = await plant({ 'a.yaml': 'a: 1\n' })
    writeFileSync(Buffer.concat([Buffer.from(`${root}/b`), Buffer.from([0xff]), Buffer.from('.yaml')]), 'b: 1\n')
    expect(() => selectFiles(root)).toThrow(
      expect.objectContaining({ exitCode: 2, message: expect.stringContaining('is not UTF-8') }) as Error,
    )
  })

  it('keeps the executable bit of the owner', async () => {
    const root = await plant({ 'a.yaml': 'a: 1\n', 'run.sh': '#!/bin/sh\n' })
    chmodSync(join(root, 'run.sh'), 0o744)
    expect(selectFiles(root).files.map(({ executable }) => executable)).toEqual([false, true])
  })
})
