import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { zipSync } from 'fflate'
import { describe, expect, it, onTestFinished } from 'vitest'
import { KsailError } from '../../../../lib/base/errors.ts'
import { cached, type Slot } from '../../../../lib/tools/install/cache.ts'
import { download } from '../../../../lib/tools/install/download.ts'
import { pinned, type Pinned, type Pins } from '../../../../lib/tools/install/pins.ts'
import { arrived } from '../../../fakes/arrived.ts'
import { fakeContext, tempFolder } from '../../../fakes/context.ts'

const PROGRAM = Buffer.from('#!/bin/sh\necho here\n'.padEnd(3000, '#'))
const platform = `${process.platform}-${process.arch}`

const entry = (name: string, content: Buffer, type = '0'): Buffer => {
  const header = Buffer.alloc(512)
  header.write(name, 0)
  header.write('0000755\0', 100)
  header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124)
  header.write(type, 156)
  header.write('ustar\0', 257)
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)])
}

const archive = (...entries: readonly Buffer[]): Buffer => gzipSync(Buffer.concat([...entries, Buffer.alloc(1024)]))
const sha = (content: Buffer, algorithm = 'sha256'): string => createHash(algorithm).update(content).digest('hex')

const serve = async (answer: RequestListener): Promise<{ readonly base: string; readonly asked: string[] }> => {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return { base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

const world = (env: Readonly<Record<string, string>> = {}) => {
  const ctx = fakeContext({ fetch, env })
  const missed: string[] = []
  const miss = (why: string): undefined => void missed.push(why)
  return { ctx, missed, miss }
}

const slotOf = (from: Pins, tool = 'tool'): Slot => (pinned(tool, from) as Pinned).slot

const pins = (pin: object) => ({ tool: { version: '1.2.3', platforms: { [platform]: pin } } }) as never

describe('download', () => {
  it('installs what has the pinned hash, once, with a receipt', async () => {
    const file = archive(entry('other', Buffer.from('no')), entry('bin/tool', PROGRAM))
    const { base, asked } = await serve((_, response) => response.end(file))
    const { ctx, miss } = world()
    const from = pins({ url: `${base}/tool.tar.gz`, sha512: sha(file, 'sha512'), member: 'bin/tool' })
    const path = (await download(ctx, 'tool', miss, from)) as string
    expect(readFileSync(path).equals(PROGRAM)).toBe(true)
    expect(statSync(path).mode & 0o777).toBe(0o755)
    expect(JSON.parse(readFileSync(join(path, '..', 'receipt.json'), 'utf8'))).toMatchObject({
      source: 'download',
      sha256: sha(PROGRAM),
      size: PROGRAM.length,
    })
    expect(asked).toHaveLength(1)
    expect(await cached(ctx, slotOf(from))).toBe(path)
  })

  it('refuses what has another one and installs nothing', async () => {
    const { base } = await serve((_, response) => response.end('another program here'))
    const { ctx, miss } = world()
    const from = pins({ url: `${base}/tool`, sha256: sha(PROGRAM) })
    await expect(download(ctx, 'tool', miss, from)).rejects.toMatchObject({
      code: 'refused',
      exitCode: 3,
      details: [expect.stringContaining(sha(PROGRAM)), expect.stringContaining('20 bytes')],
      hint: expect.stringContaining('KSAIL_TOOL_TOOL'),
    })
    expect(await cached(ctx, slotOf(from))).toBeUndefined()
  })

  it('tries again when the body is cut, and leaves no staging folder', async () => {
    let calls = 0
    const { base, asked } = await serve((_, response) => {
      response.setHeader('content-length', PROGRAM.length)
      if (++calls === 1) {
        response.write(PROGRAM.subarray(0, 100))
        response.destroy()
      } else response.end(PROGRAM)
    })
    const { ctx, miss } = world()
    const path = (await download(ctx, 'tool', miss, pins({ url: `${base}/tool`, sha256: sha(PROGRAM) }))) as string
    expect(readFileSync(path).equals(PROGRAM)).toBe(true)
    expect(asked).toHaveLength(2)
    const staging = join(path, '..', '..', '..', '..', '.staging')
    expect(existsSync(staging) ? readdirSync(staging) : []).toEqual([])
  })

  it.each([
    [404, 'it is not there'],
    [403, 'a proxy or the mirror refused'],
  ])('is a miss at once for %i', async (status, why) => {
    const { base, asked } = await serve((_, response) => response.writeHead(status).end())
    const { ctx, miss } = world()
    await expect(download(ctx, 'tool', miss, pins({ url: `${base}/tool`, sha256: sha(PROGRAM) }))).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining(why),
    })
    expect(asked).toHaveLength(1)
  })

  it('never installs what is not pinned for the platform, and asks nobody when offline', async () => {
    const { ctx, miss, missed } = world({ KSAIL_OFFLINE: '1' })
    expect(await download(ctx, 'tool', miss, { tool: { version: '1', platforms: {} } })).toBeUndefined()
    expect(await download(ctx, 'tool', miss, pins({ url: 'https://example.com/tool' }))).toBeUndefined()
    expect(await download(ctx, 'tool', miss, pins({ url: 'https://example.com/tool', sha256: sha(PROGRAM) }))).toBeUndefined()
    expect(missed).toEqual([
      `no release of tool is pinned for ${platform}`,
      `no release of tool is pinned for ${platform}`,
      'KSAIL_OFFLINE is set',
    ])
  })

  it('takes the same bytes from a mirror', async () => {
    const { base, asked } = await serve((_, response) => response.end(PROGRAM))
    const { ctx, miss } = world({ KSAIL_MIRROR: `${base}/mirror/` })
    await download(ctx, 'tool', miss, pins({ url: 'https://example.com/a/tool', sha256: sha(PROGRAM) }))
    expect(asked).toEqual(['/mirror/example.com/a/tool'])
  })

  it('tells a mirror the user and the password in its URL, and nobody else', async () => {
    const logins: (string | undefined)[] = []
    const { base } = await serve(({ headers }, response) => {
      logins.push(headers.authorization)
      response.end(PROGRAM)
    })
    const { ctx, miss } = world({ KSAIL_MIRROR: base.replace('//', `//me:${encodeURIComponent('secret/word')}@`) })
    const path = (await download(ctx, 'tool', miss, pins({ url: 'https://example.com/a/tool', sha256: sha(PROGRAM) }))) as string
    expect(logins).toEqual([`Basic ${Buffer.from('me:secret/word').toString('base64')}`])
    expect(ctx.secrets).toContain('secret/word')
    expect(JSON.stringify(ctx.events) + readFileSync(join(path, '..', 'receipt.json'), 'utf8')).not.toMatch(/secret.{1,3}word/)
  })

  it.each(['mirror.example.com/secret-word', 'ftp://mirror.example.com', 'https://'])('refuses the mirror %s', async (mirror) => {
    const { ctx, miss } = world({ KSAIL_MIRROR: mirror })
    await expect(download(ctx, 'tool', miss, pins({ url: 'https://example.com/tool', sha256: sha(PROGRAM) }))).rejects.toMatchObject({
      code: 'config',
      message: 'KSAIL_MIRROR is not a URL',
    })
  })

  it('begins to fetch an image when oras is there, and misses it without', async () => {
    const from = pins({ image: 'ghcr.io/o/tool', platform: 'linux/amd64', sha256: 'a'.repeat(64), member: 'tool' })
    const { ctx, miss } = world()
    const locate = async (): Promise<string> => {
      throw new KsailError('tool', 'oras is needed')
    }
    await expect(download({ ...ctx, locate }, 'tool', miss, from)).rejects.toMatchObject({
      code: 'tool',
      message: 'oras, which fetches it, is not here',
    })
    expect(ctx.events).toEqual([])
  })

  it.each([
    ['a link of that name', [entry('tool', Buffer.alloc(0), '2')]],
    ['nothing of that name', [entry('tool2', PROGRAM)]],
  ])('installs nothing of an archive that holds %s', async (_, entries) => {
    const file = archive(...entries)
    const { base } = await serve((__, response) => response.end(file))
    const { ctx, miss } = world()
    const from = pins({ url: `${base}/t`, sha256: sha(file), member: 'tool' })
    await expect(download(ctx, 'tool', miss, from)).rejects.toThrow('holds no whole file tool')
    expect(await cached(ctx, slotOf(from))).toBeUndefined()
  })

  it('fetches an archive once for every program in it, whoever asks, and goes on with it for another process', async () => {
    const file = archive(entry('bin/other', Buffer.from('other')), entry('bin/tool', PROGRAM))
    const { base, asked } = await serve((_, response) => response.end(file))
    const row = (member: string) => ({
      version: '1.2.3',
      platforms: { [platform]: { url: `${base}/a.tar.gz`, sha256: sha(file), member } },
    })
    const from: Pins = { tool: row('bin/tool'), other: row('bin/other') }
    const [first, second] = [world(), world()]
    const paths = await Promise.all([
      download(first.ctx, 'tool', first.miss, from),
      download(first.ctx, 'other', first.miss, from),
      download(first.ctx, 'tool', first.miss, from),
      download({ ...second.ctx, env: first.ctx.env }, 'other', second.miss, from),
    ])
    expect(asked).toHaveLength(1)
    expect(paths.map((path) => readFileSync(path as string, 'utf8').slice(0, 5))).toEqual(['#!/bi', 'other', '#!/bi', 'other'])
    expect(first.ctx.texts().filter((text) => text === 'downloading tool and other 1.2.3')).toHaveLength(3)
    expect(readdirSync(join(paths[0] as string, '..', '..', '..', '..', '.parts'))).toEqual([])
  })

  it('begins anew when what was put together does not fit', async () => {
    let whole = 0
    const tools = tempFolder()
    const { base, asked } = await serve(({ headers: { range } }, response) => {
      if (range === undefined && ++whole === 2) return void response.end(PROGRAM)
      response.setHeader('content-length', PROGRAM.length)
      if (range === undefined) {
        response.write('another file of this name')
        return void arrived(tools, 'another file of this name'.length).then(() => response.destroy())
      }
      const from = Number(/\d+/.exec(range)?.[0])
      response.writeHead(206, {
        'content-range': `bytes ${from}-${PROGRAM.length - 1}/${PROGRAM.length}`,
        'content-length': PROGRAM.length - from,
      })
      response.end(PROGRAM.subarray(from))
    })
    const { ctx, miss } = world({ KSAIL_TOOLS_DIR: tools })
    const path = (await download(ctx, 'tool', miss, pins({ url: `${base}/tool`, sha256: sha(PROGRAM) }))) as string
    expect(readFileSync(path).equals(PROGRAM)).toBe(true)
    expect(asked).toHaveLength(3)
  })

  it('says that a page came in the place of the program, and which program', async () => {
    const { base } = await serve((_, response) => response.end('<!DOCTYPE html><html>sign in</html>'))
    const { ctx, miss } = world()
    await expect(download(ctx, 'tool', miss, pins({ url: `${base}/tool`, sha256: sha(PROGRAM) }))).rejects.toMatchObject({
      code: 'refused',
      message: `${base}/tool is not what was pinned for tool 1.2.3`,
      details: [expect.anything(), expect.stringContaining('a web page')],
      hint: expect.stringContaining('open that address in a browser'),
    })
  })

  it('says why the cache cannot be written, and what to do', async () => {
    const folder = '/dev/null/tools'
    const { base, asked } = await serve((_, response) => response.end(PROGRAM))
    const { ctx, miss } = world({ KSAIL_TOOLS_DIR: folder })
    await expect(download(ctx, 'tool', miss, pins({ url: `${base}/tool`, sha256: sha(PROGRAM) }))).rejects.toMatchObject({
      code: 'failed',
      message: `the cache ${folder} cannot be written: a part of that path is a file, not a folder`,
      hint: expect.stringContaining('KSAIL_TOOLS_DIR'),
    })
    expect(asked).toEqual([])
  })

  it('takes a program out of a .zip', async () => {
    const file = Buffer.from(zipSync({ 'other.exe': Buffer.from('no'), 'bin/tool.exe': PROGRAM }))
    const { base } = await serve((_, response) => response.end(file))
    const { ctx, miss } = world()
    const from = pins({ url: `${base}/tool.zip`, sha256: sha(file), member: 'bin/tool.exe' })
    expect(readFileSync((await download(ctx, 'tool', miss, from)) as string).equals(PROGRAM)).toBe(true)
  })

  it('asks a host that does not answer no more than one command needs to find out', async () => {
    const { base } = await serve((_, response) => void response.destroy())
    const { ctx, miss } = world()
    const from = pins({ url: `${base}/tool`, sha256: sha(PROGRAM) })
    await expect(download(ctx, 'tool', miss, from)).rejects.toMatchObject({ code: 'unreachable' })
    expect(ctx.events.at(-1)).toMatchObject({ kind: 'missed', text: 'downloading tool 1.2.3' })
    await expect(download(ctx, 'tool', miss, from)).rejects.toMatchObject({ message: expect.stringContaining('does not answer') })
    const later = { ...ctx, locate: async () => '' }
    await expect(download(later, 'tool', miss, from)).rejects.not.toMatchObject({ message: expect.stringContaining('does not answer') })
  })
})
