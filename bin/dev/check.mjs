// every check at once; only what fails is shown. With --built it looks at the build that is there, and leaves it as it is
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import process from 'node:process'

const CHECKS = [
  ['lint', 'oxlint', ['--deny-warnings', 'bin', 'lib', 'test']],
  ['format (npm run format mends it)', 'oxfmt', ['--check', 'bin', 'lib', 'test']],
  ['types of lib and bin', 'tsc', ['-p', 'tsconfig.json', '--noEmit']],
  ['types of the tests', 'tsc', ['-p', 'test/tsconfig.json']],
  ['unused files, exports, dependencies', 'knip', []],
]

const run = ([title, file, args]) =>
  new Promise((resolve) => {
    const start = performance.now()
    let output = ''
    const child = spawn(`node_modules/.bin/${file}`, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1' } })
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
    child.once('error', (error) => resolve({ title, ok: false, output: error.message, ms: 0 }))
    child.once('close', (status) => resolve({ title, ok: status === 0, output, ms: performance.now() - start }))
  })

/** publint looks at what would be packed: it needs the build. */
const shape = async () => {
  const { publint } = await import('publint')
  const { formatMessage } = await import('publint/utils')
  const start = performance.now()
  const { messages } = await publint({ strict: true, pack: false })
  const manifest = JSON.parse(readFileSync('package.json', 'utf8'))
  return {
    title: 'shape of the package',
    ok: messages.length === 0,
    output: messages.map((it) => formatMessage(it, manifest, { color: false })).join('\n'),
    ms: performance.now() - start,
  }
}

const build = process.argv.includes('--built') ? { ok: true } : await run(['build', 'tsc', ['-p', 'tsconfig.json']])
const results = build.ok ? await Promise.all([...CHECKS.map(run), shape()]) : [build]
for (const { title, output } of results.filter(({ ok }) => !ok)) process.stdout.write(`\n✗ ${title}\n${output.trimEnd()}\n`)
const failed = results.filter(({ ok }) => !ok).length
const slowest = results.toSorted((a, b) => b.ms - a.ms)[0]
process.stdout.write(
  failed > 0
    ? `\n${failed} of ${results.length} checks failed\n`
    : `✔ ${results.length} checks passed (slowest: ${slowest.title}, ${(slowest.ms / 1000).toFixed(1)} s)\n`,
)
process.exitCode = failed > 0 ? 1 : 0
