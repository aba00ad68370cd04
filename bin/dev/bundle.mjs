// what a user runs or imports, in few files: opening two hundred costs more than what they do
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = join(root, 'dist')

/** Modules that are needed together are one file: `words` for every command, `loop` for what pushes and asks clusters, `wait` for what waits. */
const GROUPS = {
  words: ['lib/cli/main.ts'],
  loop: ['lib/context.ts', 'lib/io/reporter.ts', 'lib/io/prompt.ts', 'lib/workload/push.ts', 'lib/workload/reconcile.ts'],
  wait: ['lib/engines/flux/wait/run.ts'],
}

/** Every module that a file imports statically, to the ends. */
const reach = (id, info, seen = new Set()) => {
  if (seen.has(id)) return seen
  seen.add(id)
  for (const next of info(id)?.importedIds ?? []) reach(next, info, seen)
  return seen
}

let groups
const groupOf = (id, chunking) => {
  if (groups === undefined) {
    groups = new Map()
    for (const [name, files] of Object.entries(GROUPS))
      for (const file of files)
        for (const module of reach(join(root, file), (it) => chunking.getModuleInfo(it))) if (!groups.has(module)) groups.set(module, name)
  }
  return groups.get(id) ?? null
}

const bundle = await rolldown({
  input: { 'bin/ksail': join(root, 'bin', 'ksail.ts'), index: join(root, 'lib', 'index.ts') },
  cwd: root,
  platform: 'node',
  // rare, and loaded when they are needed: the parser of TOML calls require, which a module has not
  external: ['@iarna/toml', '@clack/prompts', 'undici'],
  // zx without its door for Deno, which requires the rest by its place; yaml as modules instead of CommonJS, which are loaded in half the time
  resolve: {
    alias: { 'zx/core': join(root, 'node_modules/zx/build/core.cjs'), yaml: join(root, 'node_modules/yaml/browser/dist/index.js') },
  },
  preserveEntrySignatures: 'allow-extension',
  logLevel: 'warn',
  checks: { ineffectiveDynamicImport: false },
})
// names stay readable, so that the stack of a bug says where it is
const { output } = await bundle.generate({
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: 'chunks/[name]-[hash].js',
  comments: { legal: true, annotation: true, jsdoc: false },
  codeSplitting: { groups: [{ name: groupOf, debugName: 'words, loop, wait' }], includeDependenciesRecursively: false },
})

/** The licences of what was taken in ask to go with it. */
const notices = () => {
  const packages = new Set(
    output.flatMap(({ moduleIds = [] }) => moduleIds.flatMap((id) => /.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? [])),
  )
  return [...packages].toSorted().map((path) => {
    const { name, version, license } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'))
    const file = readdirSync(path).find((it) => /^licen[cs]e/i.test(it))
    return `${name} ${version} (${license})\n\n${file === undefined ? '' : readFileSync(join(path, file), 'utf8')}`
  })
}

const chunks = join(folder, 'chunks')
for (const path of [chunks, join(folder, 'bin')]) mkdirSync(path, { recursive: true })
for (const { fileName, code } of output) writeFileSync(join(folder, fileName), code, { mode: fileName === 'bin/ksail.js' ? 0o755 : 0o644 })
writeFileSync(join(folder, 'LICENSES.txt'), notices().join('\n----\n\n'))
for (const name of readdirSync(chunks)) if (!output.some(({ fileName }) => fileName === `chunks/${name}`)) rmSync(join(chunks, name))
