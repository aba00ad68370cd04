import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { transfer, type Transfer } from '../../../lib/io/transfer.ts'
import { arrived } from '../../fakes/arrived.ts'
import { fakeContext, tempFolder } from '../../fakes/context.ts'

const FILE = Buffer.from(Array.from({ length: 1_000_000 }, (_, index) => (index * 7919) % 251))
const HASH = createHash('sha256').update(FILE).digest('hex')

/** It is told the folder into which the other side writes. */
type Answer = (request: IncomingMessage, response: ServerResponse, folder: string) => void

/** A server that gives its answers one after the other, the last one for ever. */
const world = async (...answers: readonly Answer[]) => {
  const asked: Record<string, string | undefined>[] = []
  const folder = tempFolder()
  const server = createServer((request, response) => {
    asked.push({ range: request.headers.range, ifRange: request.headers['if-range'] as string | undefined })
    answers[Math.min(asked.length, answers.length) - 1]!(request, response, folder)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const ctx = fakeContext({ fetch })
  const options: Transfer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/tool`,
    to: join(folder, 'part'),
    algorithm: 'sha256',
    text: 'downloading tool',
  }
  return { asked, ctx, options, retries: () => ctx.events.filter(({ kind }) => kind === 'retry') }
}

const whole: Answer = (_, response) => void response.end(FILE)
const cutAt =
  (bytes: number, headers: Record<string, string> = {}): Answer =>
  async (_, response, folder) => {
    response.writeHead(200, { 'content-length': String(FILE.length), ...headers })
    response.write(FILE.subarray(0, bytes))
    await arrived(folder, bytes)
    response.destroy()
  }
const ranges =
  (end = FILE.length): Answer =>
  async ({ headers }, response, folder) => {
    const from = Number(/\d+/.exec(headers.range ?? '')?.[0])
    response.writeHead(206, {
      'content-range': `bytes ${from}-${FILE.length - 1}/${FILE.length}`,
      'content-length': String(FILE.length - from),
    })
    if (end === FILE.length) return void response.end(FILE.subarray(from))
    response.write(FILE.subarray(from, end))
    await arrived(folder, end)
    response.destroy()
  }

describe('transfer', () => {
  it('brings the bytes and their hash, and tells how it gets on', async () => {
    const { ctx, options } = await world(whole)
    expect(await transfer(ctx, options)).toEqual({ hash: HASH, size: FILE.length, resumed: false })
    expect(readFileSync(options.to).equals(FILE)).toBe(true)
    const progress = ctx.events.filter((it) => it.kind === 'progress')
    expect(progress[0]).toMatchObject({ total: FILE.length, unit: 'bytes', text: 'downloading tool' })
    expect(progress.at(-1)).toMatchObject({ done: FILE.length, total: FILE.length })
  })

  it('goes on where it broke off, if the file is still the same', async () => {
    const { ctx, options, asked, retries } = await world(cutAt(400_000, { etag: '"v1"' }), ranges(800_000), ranges())
    expect(await transfer(ctx, options)).toEqual({ hash: HASH, size: FILE.length, resumed: true })
    expect(readFileSync(options.to).equals(FILE)).toBe(true)
    expect(asked.map(({ range }) => range)).toEqual([undefined, 'bytes=400000-', 'bytes=800000-'])
    expect(asked.map(({ ifRange }) => ifRange)).toEqual([undefined, '"v1"', undefined])
    expect(retries()).toMatchObject([
      { attempt: 1, of: 5, text: expect.stringMatching(/^downloading tool: .*; going on at 400 kB$/) },
      { attempt: 1, of: 5, text: expect.stringMatching(/; going on at 800 kB$/) },
    ])
  })

  it('takes no weak tag for the proof that nothing has changed', async () => {
    const { ctx, options, asked } = await world(cutAt(300_000, { etag: 'W/"v1"' }), ranges())
    await transfer(ctx, options)
    expect(asked[1]).toEqual({ range: 'bytes=300000-', ifRange: undefined })
  })

  it.each<[string, Answer]>([
    ['knows no ranges', whole],
    [
      'continues somewhere else',
      (_, response) => void response.writeHead(206, { 'content-range': `bytes 5-${FILE.length - 1}/${FILE.length}` }).end('x'),
    ],
    ['has no such range', (_, response) => void response.writeHead(416, { 'content-range': 'bytes */7' }).end()],
  ])('starts over where the server %s', async (_name, second) => {
    const { ctx, options } = await world(cutAt(400_000), second, whole)
    expect(await transfer(ctx, options)).toEqual({ hash: HASH, size: FILE.length, resumed: false })
    expect(readFileSync(options.to).equals(FILE)).toBe(true)
  })

  it('goes on with what an earlier process left, also when that was everything', async () => {
    const { ctx, options, asked } = await world(ranges(), (_, response) => {
      response.writeHead(416, { 'content-range': `bytes */${FILE.length}` }).end()
    })
    writeFileSync(options.to, FILE.subarray(0, 123_456))
    expect(await transfer(ctx, options)).toMatchObject({ hash: HASH, resumed: true })
    expect(await transfer(ctx, options)).toMatchObject({ hash: HASH, resumed: true })
    expect(asked.map(({ range }) => range)).toEqual(['bytes=123456-', `bytes=${FILE.length}-`])
  })

  it('goes on after a silence', async () => {
    const silent: Answer = (_, response) => {
      response.writeHead(200, { 'content-length': String(FILE.length) })
      response.write(FILE.subarray(0, 300_000))
    }
    const { ctx, options, retries } = await world(silent, ranges())
    expect(await transfer(ctx, { ...options, limits: { idle: 1000 } })).toMatchObject({ hash: HASH })
    expect(retries()).toMatchObject([{ text: expect.stringContaining('nothing came for 1 s; going on at 300 kB') }])
  })

  it('gives up soon where nothing ever came, and has patience where something did: what it has is kept', async () => {
    const gone: Answer = (_, response) => void response.destroy()
    const blocked = await world(gone)
    await expect(transfer(blocked.ctx, blocked.options)).rejects.toMatchObject({ code: 'unreachable', reason: 'again' })
    expect([blocked.asked.length, blocked.ctx.now()]).toEqual([3, 2500])

    const { ctx, options, asked, retries } = await world(cutAt(600_000), gone)
    await expect(transfer(ctx, options)).rejects.toMatchObject({
      code: 'unreachable',
      reason: 'again',
      message: expect.stringMatching(/; 600 kB of it are kept, the next run goes on there$/),
    })
    expect([asked.length, retries().length, ctx.now()]).toEqual([5, 4, 42_500])
    expect(readFileSync(options.to).equals(FILE.subarray(0, 600_000))).toBe(true)
  })

  it('tells how it gets on where it is slow, too', async () => {
    const chunk = 20_000
    const { ctx, options } = await world(async (_, response) => {
      response.writeHead(200, { 'content-length': String(FILE.length) })
      for (let at = 0; at < FILE.length; at += chunk) {
        response.write(FILE.subarray(at, at + chunk))
        await new Promise((resolve) => setTimeout(resolve, 2))
      }
      response.end()
    })
    let clock = 0
    // a second passes with every look at the clock
    await transfer({ ...ctx, now: () => (clock += 1000) }, options)
    expect(ctx.events.filter(({ kind }) => kind === 'progress').length).toBeGreaterThan(5)
  })

  it('waits as long as the server asks', async () => {
    const { ctx, options, retries } = await world((_, response) => void response.writeHead(429, { 'retry-after': '7' }).end(), whole)
    await transfer(ctx, options)
    expect(ctx.now()).toBe(7000)
    expect(retries()).toMatchObject([{ ms: 7000 }])
  })

  it.each([401, 403, 404])('ends at once for %i', async (status) => {
    const { ctx, options, asked } = await world((_, response) => void response.writeHead(status).end())
    await expect(transfer(ctx, options)).rejects.toMatchObject({ code: 'unreachable', reason: undefined })
    expect(asked).toHaveLength(1)
  })

  it('refuses what is too large, told or not, and what is not https', async () => {
    const { ctx, options } = await world(whole, (_, response) => {
      response.write(FILE.subarray(0, 500_000))
      response.end(FILE.subarray(500_000))
    })
    const limits = { largest: 600_000 }
    for (const _ of [1, 2]) {
      await expect(transfer(ctx, { ...options, limits })).rejects.toMatchObject({
        code: 'refused',
        message: expect.stringContaining('larger'),
      })
      if (existsSync(options.to)) writeFileSync(options.to, '')
    }
    await expect(transfer(ctx, { ...options, url: 'http://example.com/tool' })).rejects.toMatchObject({ code: 'refused' })
  })
})
