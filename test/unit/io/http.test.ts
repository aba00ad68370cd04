import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createFetch, whyFailed } from '../../../lib/io/http.ts'
import { forwardProxy } from '../../fakes/forward-proxy.ts'

const PASSWORD = 'hunter2-hunter2'

const listen = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

const proxy = async (...given: Parameters<typeof forwardProxy>) => {
  const it = await forwardProxy(...given)
  onTestFinished(() => it.close())
  return it
}

const world = (env: Readonly<Record<string, string>>) => {
  const secrets = new Set<string>()
  return { secrets, get: createFetch({ env, secrets }) }
}

/** The failure of a request, which must be one. */
const failure = (asked: Promise<unknown>): Promise<Error & { code?: string; reason?: string }> =>
  asked.then(
    () => {
      throw new Error('it was answered')
    },
    (error: Error) => error,
  )

describe('fetch through the proxies of the environment', () => {
  it.each(['HTTP_PROXY', 'http_proxy'])('asks the proxy of %s for plain HTTP, with its user and password', async (variable) => {
    const { host, asked, logins } = await proxy({ body: 'from the world' })
    const { get, secrets } = world({ [variable]: `http://me:${encodeURIComponent('p@ss/word')}@${host}` })
    expect(await (await get('http://releases.invalid/tool')).text()).toBe('from the world')
    expect({ asked, logins }).toEqual({ asked: ['GET http://releases.invalid/tool'], logins: ['me:p@ss/word'] })
    expect(secrets).toContain('p@ss/word')
  })

  it('takes an address without a scheme', async () => {
    const { host, asked } = await proxy({ body: 'x' })
    await (await world({ HTTP_PROXY: host }).get('http://releases.invalid/')).text()
    expect(asked).toHaveLength(1)
  })

  it.each(['NO_PROXY', 'no_proxy'])('asks hosts of %s directly, those below them too', async (variable) => {
    const { host, asked } = await proxy()
    const { get } = world({ HTTP_PROXY: `http://${host}`, [variable]: 'example.com,.releases.invalid' })
    const error = await failure(get('http://a.releases.invalid/'))
    expect(error.message).toBe('fetch failed')
    expect(asked).toEqual([])
  })

  it('never asks a proxy for what is on this machine, and follows where that leads', async () => {
    const { host, asked } = await proxy({ body: 'from the world' })
    const port = await listen(
      createServer((request, response) =>
        request.url === '/moved'
          ? response.writeHead(302, { location: '/here' }).end()
          : response.writeHead(201, { 'x-range': request.headers.range ?? '' }).end('from here'),
      ),
    )
    const { get } = world({ HTTP_PROXY: `http://${host}`, HTTPS_PROXY: `http://${host}` })
    for (const name of ['127.0.0.1', 'localhost']) {
      const response = await get(`http://${name}:${port}/moved`, { headers: { range: 'bytes=2-' } })
      expect([response.status, response.ok, response.headers.get('x-range'), await response.text()]).toEqual([
        201,
        true,
        'bytes=2-',
        'from here',
      ])
    }
    expect(asked).toEqual([])
    const stop = new AbortController()
    stop.abort(new Error('enough'))
    await expect(get(`http://127.0.0.1:${port}/`, { signal: stop.signal })).rejects.toThrow()
  })

  it('tells a login to the machine that it is for, and to nobody that leads to', async () => {
    const logins: (string | undefined)[] = []
    const note: Parameters<typeof createServer>[1] = ({ headers }, response) => {
      logins.push(headers.authorization)
      response.end()
    }
    const other = await listen(createServer(note))
    const port = await listen(createServer((_, response) => response.writeHead(302, { location: `http://127.0.0.1:${other}/` }).end()))
    const { get } = world({ HTTP_PROXY: 'http://127.0.0.1:1' })
    for (const to of [other, port]) await get(`http://127.0.0.1:${to}/`, { headers: { authorization: 'Basic x' } })
    expect(logins).toEqual(['Basic x', undefined])
  })

  it('opens a tunnel for TLS and looks at the certificate behind it', async () => {
    const [key, cert] = ['server.key', 'server.pem'].map((name) => readFileSync(new URL(`../../fixtures/tls/${name}`, import.meta.url)))
    const port = await listen(createTlsServer({ key, cert } as object, (_, response) => void response.end('secret')))
    const { host, asked } = await proxy({ tunnelTo: port })
    const error = await failure(world({ HTTPS_PROXY: `http://${host}` }).get('https://ghcr.io/v2/'))
    expect(asked).toEqual(['CONNECT ghcr.io:443'])
    expect(error).toMatchObject({ code: 'unreachable', reason: undefined })
    expect(error.message).toMatch(/^ghcr\.io: through the proxy http:\/\/127.*NODE_EXTRA_CA_CERTS names further authorities$/)
  })

  it.each([
    ['http://releases.invalid/', 'HTTP_PROXY', 407, 'wants a user and a password (407): put them into HTTP_PROXY', undefined],
    ['https://releases.invalid/', 'HTTPS_PROXY', 407, 'wants a user and a password (407): put them into HTTPS_PROXY', undefined],
    ['https://releases.invalid/', 'HTTPS_PROXY', 403, 'answered 403', undefined],
    ['https://releases.invalid/', 'HTTPS_PROXY', 503, 'answered 503', 'again'],
  ])('%s: tells what the proxy of %s answered, %i, and no password', async (url, variable, refuse, words, reason) => {
    const { host } = await proxy({ refuse })
    const error = await failure(world({ [variable]: `http://me:${PASSWORD}@${host}` }).get(url))
    expect(error).toMatchObject({ code: 'unreachable', reason })
    expect(error.message).toContain(`releases.invalid: the proxy http://${host} (${variable}) ${words}`)
    expect(JSON.stringify(error) + error.message).not.toContain(PASSWORD)
  })

  it('names a proxy that does not answer, without its password', async () => {
    const { host, close } = await forwardProxy()
    await close()
    const error = await failure(world({ HTTPS_PROXY: `http://me:${PASSWORD}@${host}` }).get('https://releases.invalid/'))
    expect(error).toMatchObject({ code: 'unreachable', reason: 'again' })
    expect(error.message).toContain(`releases.invalid: through the proxy http://${host} (HTTPS_PROXY): connect ECONNREFUSED`)
    expect(error.message).not.toContain(PASSWORD)
  })

  it.each([`ftp://me:${PASSWORD}@proxy:21`, `http://me:${PASSWORD}@`, 'http://'])('refuses the address %s', async (address) => {
    const error = await failure(world({ HTTPS_PROXY: address }).get('https://releases.invalid/'))
    expect(error).toMatchObject({ code: 'config', message: 'HTTPS_PROXY is not the address of a proxy' })
  })
})

it.each([
  ['CERT_NOT_YET_VALID', 'certificate is not yet valid'],
  ['CERT_HAS_EXPIRED', 'certificate has expired'],
])('asks about the clock of this machine, once, for %s', (code, message) => {
  const { why, again } = whyFailed(new Error('fetch failed', { cause: Object.assign(new Error(message), { code }) }))
  expect(why).toMatch(new RegExp(`^${message} by the clock of this machine, \\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\dZ: is it right\\?$`))
  expect(again).toBe(false)
})
