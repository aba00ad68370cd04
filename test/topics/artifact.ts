import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { buildArtifact } from '../../lib/artifact/build.ts'
import { readFacts } from '../../lib/artifact/facts.ts'
import { selectFiles } from '../../lib/artifact/files.ts'
import { judgeContents } from '../../lib/artifact/guards.ts'
import { isKsailError } from '../../lib/base/errors.ts'
import { fakeContext, tempFolder } from '../fakes/context.ts'
import type { Topic } from './topic.ts'

type Node = string | { readonly type: string; readonly target?: string }

/** A folder `k8s` with the files, links, pipes and sockets of a table. */
export const plant = async (tree: Readonly<Record<string, Node>>): Promise<string> => {
  const root = join(tempFolder(), 'k8s')
  mkdirSync(root)
  for (const [path, node] of Object.entries(tree)) {
    const full = join(root, path)
    mkdirSync(dirname(full), { recursive: true })
    if (typeof node === 'string') writeFileSync(full, node)
    else if (node.type === 'fifo') execFileSync('mkfifo', [full])
    else if (node.type === 'socket') await new Promise<void>((resolve) => void createServer().listen(full, resolve).unref())
    else if (node.type.startsWith('symlink')) symlinkSync(node.target ?? '', full)
    else throw new Error(`no way to plant a "${node.type}"`)
  }
  return root
}

const KINDS: Record<string, RegExp> = { symlink: /is a link/, 'no-manifests': /holds no manifest/, 'empty-manifest': /empty manifest/ }

const contents: Topic = async ({ input, expected }) => {
  const root = await plant(input.tree)
  try {
    const { files, warned } = selectFiles(root)
    return { got: { files: files.map(({ path }) => path), warned: warned.map(({ path }) => path) }, want: expected }
  } catch (error) {
    if (!isKsailError(error)) throw error
    const path = expected.path !== undefined && error.message.includes(expected.path) ? { path: expected.path } : {}
    return { got: { error: Object.keys(KINDS).find((kind) => KINDS[kind]!.test(error.message)) ?? error.message, ...path }, want: expected }
  }
}

/** The folder that determinism is measured on. */
export const sample = (): string => {
  const folder = tempFolder()
  mkdirSync(join(folder, 'k8s', 'sub'), { recursive: true })
  writeFileSync(join(folder, 'k8s', 'a.yaml'), '# comment\nkind: ConfigMap\n')
  writeFileSync(join(folder, 'k8s', 'app.properties'), 'a=b\n')
  writeFileSync(join(folder, 'k8s', 'sub', 'c.yaml'), 'kind: ConfigMap\n')
  return folder
}

const FILES = ['a.yaml', 'app.properties', 'sub/c.yaml']

const rewriteBackwards = (k8s: string): void => {
  const kept = FILES.map((path) => [path, readFileSync(join(k8s, path))] as const)
  for (const name of readdirSync(k8s)) rmSync(join(k8s, name), { recursive: true })
  mkdirSync(join(k8s, 'sub'))
  for (const [path, bytes] of kept.toReversed()) writeFileSync(join(k8s, path), bytes)
}

/** The same files under another path. */
const elsewhere = (k8s: string): string => {
  const moved = join(tempFolder(), 'elsewhere', 'k8s')
  cpSync(k8s, moved, { recursive: true })
  return moved
}

/** Changes as tables describe them, in words; a description that nobody knows fails its row. */
const CHANGES: readonly (readonly [RegExp, (k8s: string, ...words: string[]) => string | void])[] = [
  [/^touch every file$/, (k8s) => FILES.forEach((path) => utimesSync(join(k8s, path), 1, 1))],
  [/^file modes 0?(\d+) instead of/, (k8s, mode) => FILES.forEach((path) => chmodSync(join(k8s, path), Number.parseInt(mode!, 8)))],
  [/owned by another user$/, (k8s) => void (process.getuid?.() === 0 && execFileSync('chown', ['-R', '12345:12345', k8s]))],
  [/^files created in another order$/, rewriteBackwards],
  [/^add an empty directory$/, (k8s) => void mkdirSync(join(k8s, 'empty'))],
  [/^TZ=(\S+)/, (_k8s, zone) => void (process.env['TZ'] = zone)],
  [/another (?:absolute )?(?:location|place|path|directory|folder)$/, elsewhere],
  [/^push to another (?:registry|repository|tag)$/, () => undefined],
  [/^add an? (\S*\.\S+) file$/, (k8s, name) => writeFileSync(join(k8s, name!), 'A=b')],
  [/^add an? \w+ file$/, (k8s) => writeFileSync(join(k8s, 'z.yaml'), 'kind: ConfigMap\n')],
  [/^remove a file$/, (k8s) => rmSync(join(k8s, 'sub', 'c.yaml'))],
  [/^rename (\S+) to (\S+)$/, (k8s, from, to) => renameSync(join(k8s, from!), join(k8s, to!))],
  [/^change a YAML comment$/, (k8s) => writeFileSync(join(k8s, 'a.yaml'), '# other\nkind: ConfigMap\n')],
  [/^change (\S+)$/, (k8s, path) => writeFileSync(join(k8s, path!), 'changed: "1"\n')],
  [/^make (\S*\.\S+) executable$/, (k8s, path) => chmodSync(join(k8s, path!), 0o755)],
]

const determinism: Topic = async ({ input, expected }) => {
  const folder = sample()
  const build = (source: string) => buildArtifact({ source, project: folder }, fakeContext())
  const k8s = join(folder, 'k8s')
  const before = await build(k8s)
  const found = CHANGES.map(([words, change]) => [words.exec(input.change), change] as const).find(([match]) => match !== null)
  if (found === undefined) throw new Error(`nobody knows how to "${input.change}"`)
  const zone = process.env['TZ']
  try {
    const now = found[1](k8s, ...found[0]!.slice(1)) ?? k8s
    return { got: (await build(now)).digest === before.digest ? 'same' : 'different', want: expected }
  } finally {
    if (zone === undefined) delete process.env['TZ']
    else process.env['TZ'] = zone
  }
}

const gate: Topic = async ({ input, expected }) => {
  const entries = Object.entries(input.files as Record<string, string>)
  const facts = await readFacts(
    entries.map(([path, text]) => ({ path, bytes: Buffer.from(text), executable: false })),
    undefined,
  )
  const { verdict, keys } = judgeContents(facts, input.allowPlaintextSecrets)
  return { got: { verdict, keys }, want: expected }
}

export const artifactTopics = {
  'artifact-contents': contents,
  'artifact-determinism': determinism,
  'secret-gate': gate,
} satisfies Record<string, Topic>
