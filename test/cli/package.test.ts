import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { emptyFolder, ksail } from './run.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

it('the packed package runs on its own and holds what it needs and no more', async () => {
  const folder = emptyFolder()
  const packed = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], { cwd: root, encoding: 'utf8' }),
  ) as [{ filename: string; files: { path: string }[]; unpackedSize: number }]
  const [{ filename, files, unpackedSize }] = packed
  const paths = files.map(({ path }) => path)
  expect(paths).toEqual(
    expect.arrayContaining([
      'LICENSE',
      'README.md',
      'dist/bin/ksail.js',
      'dist/LICENSES.txt',
      'dist/index.js',
      'dist/lib/index.d.ts',
      'templates/base/_gitignore',
      'templates/schema/ksail.schema.json',
    ]),
  )
  expect(paths.filter((path) => /^(test|bin|lib|examples|dist\/bin\/dev|\.)/.test(path))).toEqual([])
  expect(unpackedSize).toBeLessThan(2_000_000)

  execFileSync('tar', ['-xzf', join(folder, filename), '-C', folder])
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  const project = join(folder, 'project')
  mkdirSync(project)
  const program = join(folder, 'package', 'dist', 'bin', 'ksail.js')
  expect(await ksail(['cluster', 'init', '--name', 'dev', '--gitops-engine', 'Flux'], { cwd: project, program })).toMatchObject({
    status: 0,
  })
  expect(readFileSync(join(project, '.gitignore'), 'utf8')).toContain('.ksail/')
  const script = "import { KsailError, push } from 'ksail'; console.log(typeof push, KsailError.name)"
  mkdirSync(join(folder, 'consumer', 'node_modules'), { recursive: true })
  symlinkSync(join(folder, 'package'), join(folder, 'consumer', 'node_modules', 'ksail'))
  expect(execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: join(folder, 'consumer'), encoding: 'utf8' })).toBe(
    'function KsailError\n',
  )
})

it('the command is bundled: words load one file, and what pushes and waits one more', () => {
  const chunks = join(root, 'dist', 'chunks')
  const loadedWith = (group: string): string[] =>
    readdirSync(chunks)
      .filter((name) => name.startsWith(`${group}-`))
      .flatMap((name) => [...readFileSync(join(chunks, name), 'utf8').matchAll(/^import .*?from "([^"]+)";$/gm)].map(([, from]) => from!))
      .filter((from) => !from.startsWith('node:'))
      .map((from) => from.replace(/-.{8}\.js$/, ''))
  expect(loadedWith('words')).toEqual(['./rolldown-runtime'])
  expect(loadedWith('loop').toSorted()).toEqual(['./rolldown-runtime', './words'])
  expect(loadedWith('wait').toSorted()).toEqual(['./loop', './rolldown-runtime', './words'])
})
