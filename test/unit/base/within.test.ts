import { connect, createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { expect, it } from 'vitest'
import { KsailError } from '../../../lib/base/errors.ts'
import { within } from '../../../lib/base/within.ts'

const late = () => new KsailError('timeout', 'late')

it('gives what comes in time, and what is said when it does not', async () => {
  expect(await within(60_000, Promise.resolve(1), late)).toBe(1)
  await expect(within(60_000, Promise.reject(new Error('no')), late)).rejects.toThrow('no')
  await expect(within(150, new Promise(() => undefined), late)).rejects.toThrow('late')
})

it('hears an answer that came while the process was busy', async () => {
  const server = createServer((socket) => socket.end('answer')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const answer = (async () => {
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
      let text = ''
      for await (const chunk of socket) text += String(chunk)
      return text
    })()
    const heard = within(500, answer, late)
    for (const end = performance.now() + 700; performance.now() < end;);
    expect(await heard).toBe('answer')
  } finally {
    server.close()
  }
})
