// `npm run vectors -- DIR`: runs every DIR/<topic>.json through the library; the topics are those of test/topics, the runner is vitest
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const out = (text) => process.stdout.write(`${text}\n`)
const stop = (message) => {
  process.stderr.write(`${message}\n`)
  process.exit(2)
}

const [given, ...rest] = process.argv.slice(2)
if (given === undefined || rest.length > 0) stop('usage: npm run vectors -- DIR')
// npm runs scripts in the project's folder, people type where they are
const folder = resolve(process.env.INIT_CWD ?? process.cwd(), given)
let files = []
try {
  files = readdirSync(folder).filter((name) => name.endsWith('.json'))
} catch (error) {
  stop(`${given} cannot be read: ${error.message}`)
}
if (files.length === 0) stop(`${given} holds no <topic>.json`)

const results = mkdtempSync(join(tmpdir(), 'vectors-'))
const file = join(results, 'results.json')
const words = [
  'run',
  '--config',
  'test/vitest.config.ts',
  '--project',
  'unit',
  'test/unit/vectors.test.ts',
  '--reporter=json',
  `--outputFile=${file}`,
]
let said = ''
const status = await new Promise((done, fail) => {
  const child = spawn(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), ...words], {
    cwd: root,
    env: { ...process.env, VECTORS_FOLDER: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk))
  child.once('error', fail)
  child.once('close', done)
})
let report
try {
  report = JSON.parse(readFileSync(file, 'utf8'))
} catch {
  stop(`the runner left no result (exit status ${status})\n${said.trimEnd()}`)
} finally {
  rmSync(results, { recursive: true, force: true })
}

const topics = new Map(files.map((name) => [name.slice(0, -'.json'.length), { passed: 0, failed: 0, waits: undefined, why: [] }]))
const broken = []
for (const { assertionResults, status: state, message } of report.testResults) {
  if (state === 'failed' && !assertionResults.some((test) => test.status === 'failed')) broken.push(message)
  for (const { ancestorTitles, title, status: result, failureMessages } of assertionResults) {
    const topic = topics.get(ancestorTitles[0])
    if (result === 'passed') topic.passed += 1
    else if (result === 'failed') {
      topic.failed += 1
      topic.why.push(
        `  ✗ ${title}`,
        ...failureMessages.flatMap((text) =>
          text
            .split('\n')
            .filter((line) => !/^\s+at /.test(line))
            .slice(0, 20)
            .map((line) => `    ${line}`),
        ),
      )
    } else topic.waits = title
  }
}

let [passed, failed] = [0, broken.length]
for (const [name, topic] of [...topics].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
  if (topic.waits !== undefined) continue
  // a table of which nothing ran was not checked
  if (topic.passed + topic.failed === 0) {
    topic.failed = 1
    topic.why.push('  ✗ nothing of it ran')
  }
  out(`${name}: ${topic.passed} passed, ${topic.failed} failed`)
  for (const line of topic.why) out(line)
  passed += topic.passed
  failed += topic.failed
}
for (const [name, { waits }] of topics) if (waits !== undefined) out(`${name}: ${waits}`)
for (const message of broken) out(`✗ ${message}`)
out(`${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0
