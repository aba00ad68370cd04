import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { emptyFolder } from './run.ts'

const lib = (path: string): string => JSON.stringify(fileURLToPath(new URL(`../../dist/lib/${path}`, import.meta.url)))

/** Gets a program of these pins, and says where it is. */
const SCRIPT = `
const [{ createContext }, { download }] = await Promise.all([import(${lib('context.js')}), import(${lib('tools/install/download.js')})])
const [, tool, pins] = process.argv
const ctx = createContext({ report: (event) => console.error(event.kind, event.text) })
console.log(await download(ctx, tool, console.error, JSON.parse(pins)))
`

const started: ChildProcess[] = []

/** Another ksail that wants a program; its path, or nothing when it was killed. */
const want = (
  tool: string,
  pins: object,
  env: Readonly<Record<string, string>>,
): { readonly child: ChildProcess; readonly path: Promise<string> } => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', SCRIPT, tool, JSON.stringify(pins)], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  started.push(child)
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => void (out += chunk))
  return { child, path: new Promise((resolve) => void child.once('close', () => resolve(out.trim()))) }
}

/** Settles when a process has said something. */
const said = (child: ChildProcess, words: string): Promise<void> =>
  new Promise((resolve) => {
    let text = ''
    child.stderr?.on('data', (chunk: Buffer) => (text += chunk).includes(words) && resolve())
  })

it('several at once fetch an archive once, and go on with it when the one that fetches is killed', async () => {
  const folder = emptyFolder()
  const names = ['one', 'two'] as const
  mkdirSync(join(folder, 'tree'))
  // what does not pack, so that the archive is as large
  for (const name of names)
    writeFileSync(
      join(folder, 'tree', name),
      Buffer.concat([
        Buffer.from(name),
        ...Array.from({ length: 40_000 }, (_, i) =>
          createHash('sha256')
            .update(name + i)
            .digest(),
        ),
      ]),
    )
  execFileSync('tar', ['-czf', join(folder, 'a.tar.gz'), '-C', join(folder, 'tree'), ...names])
  const file = readFileSync(join(folder, 'a.tar.gz'))

  const ranges: (string | undefined)[] = []
  const open: ServerResponse[] = []
  const server = createServer(({ headers: { range } }, response) => {
    ranges.push(range)
    const start = Number(/\d+/.exec(range ?? '')?.[0] ?? 0)
    response.writeHead(range === undefined ? 200 : 206, {
      'content-length': file.length - start,
      ...(range === undefined ? {} : { 'content-range': `bytes ${start}-${file.length - 1}/${file.length}` }),
    })
    // the first one is kept waiting for its end
    if (range === undefined) open.push(response)
    response.write(file.subarray(start, range === undefined ? 1_000_000 : file.length))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const child of started) child.kill('SIGKILL')
    server.closeAllConnections()
    server.close()
  })

  const pin = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/a.tar.gz`,
    sha256: createHash('sha256').update(file).digest('hex'),
  }
  const pins = Object.fromEntries(
    names.map((member) => [member, { version: '1.0.0', platforms: { [`${process.platform}-${process.arch}`]: { ...pin, member } } }]),
  )
  const env = { KSAIL_TOOLS_DIR: join(folder, 'tools') }
  const first = want('one', pins, env)
  await said(first.child, 'progress')
  const others = ['one', 'two', 'one', 'two'].map((tool) => ({ tool, ...want(tool, pins, env) }))
  await Promise.all(others.map(({ child }) => said(child, 'step waiting for another ksail')))
  first.child.kill('SIGKILL')
  expect(await first.path).toBe('')
  for (const { tool, path } of others)
    expect(
      readFileSync(await path)
        .subarray(0, 3)
        .toString(),
    ).toBe(tool)
  expect(ranges).toEqual([undefined, expect.stringMatching(/^bytes=\d+-$/)])
  expect(['.parts', '.staging'].flatMap((name) => readdirSync(join(folder, 'tools', name)))).toEqual([])
})
