import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { tempFolder } from '../fakes/context.ts'
import { topics, waiting } from '../topics/index.ts'

const runner = fileURLToPath(new URL('../../bin/dev/vectors.mjs', import.meta.url))

const run = (...words: readonly string[]): Promise<{ readonly status: number; readonly stdout: string; readonly stderr: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [runner, ...words], { env: { ...process.env, INIT_CWD: undefined } }, (error, stdout, stderr) =>
      resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr }),
    )
  })

const tables = (content: Readonly<Record<string, unknown>>): string => {
  const folder = join(tempFolder(), 'tables')
  mkdirSync(folder)
  for (const [name, rows] of Object.entries(content))
    writeFileSync(join(folder, name), typeof rows === 'string' ? rows : JSON.stringify(rows))
  return folder
}

const good = { name: 'good', input: { host: 'localhost', marked: false }, expected: true }

describe('npm run vectors', () => {
  it('knows every table of test/vectors, and has none that is neither run nor waiting', () => {
    const names = readdirSync(fileURLToPath(new URL('../vectors', import.meta.url))).map((name) => name.replace(/\.json$/, ''))
    expect([...Object.keys(topics), ...Object.keys(waiting)].toSorted()).toEqual(names.toSorted())
  })

  it(
    'counts per topic and in total, shows what failed and why, and takes a topic without a runner for an error',
    { timeout: 60_000 },
    async () => {
      const folder = tables({
        'plain-http.json': [good, { ...good, name: 'bad', expected: false }],
        'sync-path.json': [{ name: 'throws', input: { not: 'a text' }, expected: './' }],
        'no-such-topic.json': [good],
        'tag-chain.json': '[{',
        'kube-context.json': [],
        'watch-match.json': [good],
        'README.md': '# not a table',
      })
      const { status, stdout } = await run(folder)
      const lines = stdout.trimEnd().split('\n')
      expect(lines.filter((line) => !line.startsWith(' '))).toEqual([
        'kube-context: 0 passed, 1 failed',
        'no-such-topic: 0 passed, 1 failed',
        'plain-http: 1 passed, 1 failed',
        'sync-path: 0 passed, 1 failed',
        'tag-chain: 0 passed, 1 failed',
        'watch-match: waits for workload watch',
        '1 passed, 5 failed',
      ])
      expect(stdout).toContain('topic no-such-topic has no runner')
      expect(stdout).toContain('✗ 1: bad')
      expect(status).toBe(1)
    },
  )

  it('is content when everything passes', { timeout: 60_000 }, async () => {
    expect(await run(tables({ 'plain-http.json': [good] }))).toMatchObject({
      status: 0,
      stdout: 'plain-http: 1 passed, 0 failed\n1 passed, 0 failed\n',
    })
  })

  it.each([
    ['no folder', [], 'usage'],
    ['a folder that is not there', ['/nowhere/at/all'], 'cannot be read'],
    ['a folder without tables', [tables({})], 'holds no <topic>.json'],
  ])('refuses %s', async (_name, words, text) => {
    expect(await run(...words)).toMatchObject({ status: 2, stderr: expect.stringContaining(text) })
  })
})
