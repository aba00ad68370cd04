import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import { cached } from '../../../../lib/tools/install/cache.ts'
import { download, pinSlot } from '../../../../lib/tools/install/download.ts'
import { fakeContext } from '../../../fakes/context.ts'

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
    expect(await cached(ctx, (await pinSlot('tool', from)) as never)).toBe(path)
  })

  it('refuses what has another one and installs nothing', async () => {
    const { base } = await serve((_, response) => response.end('<html>sign in</html>'))
    const { ctx, miss } = world()
    const from = pins({ url: `${base}/tool`, sha256: sha(PROGRAM) })
    await expect(download(ctx, 'tool', miss, from)).rejects.toMatchObject({
      code: 'refused',
      exitCode: 3,
      details: [expect.stringContaining(sha(PROGRAM)), expect.stringContaining('20 bytes')],
    })
    expect(await cached(ctx, (await pinSlot('tool', from)) as never)).toBeUndefined()
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

  it.each([
    ['a link of that name', [entry('tool', Buffer.alloc(0), '2')]],
    ['nothing of that name', [entry('tool2', PROGRAM)]],
  ])('installs nothing of an archive that holds %s', async (_, entries) => {
    const file = archive(...entries)
    const { base } = await serve((__, response) => response.end(file))
    const { ctx, miss } = world()
    const from = pins({ url: `${base}/t`, sha256: sha(file), member: 'tool' })
    await expect(download(ctx, 'tool', miss, from)).rejects.toThrow('holds no whole file tool')
    expect(await cached(ctx, (await pinSlot('tool', from)) as never)).toBeUndefined()
  })
})
