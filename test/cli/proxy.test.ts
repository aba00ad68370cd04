import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import { forwardProxy } from '../fakes/forward-proxy.ts'

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))

const SCRIPT = `
const { createFetch } = await import(${JSON.stringify(path('../../dist/lib/io/http.js'))})
const response = await createFetch({ env: process.env, secrets: new Set() })('https://ghcr.io/v2/', { headers: { range: 'bytes=1-' } })
console.log(response.status, response.url, await response.text())
`

it('goes through a tunnel of HTTPS_PROXY to a server of an authority that NODE_EXTRA_CA_CERTS names', async () => {
  const [key, cert] = ['server.key', 'server.pem'].map((name) => readFileSync(path(`../fixtures/tls/${name}`)))
  const server = createServer({ key, cert } as object, ({ headers }, response) =>
    response.writeHead(206).end(`${headers.host} ${headers.range}`),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { host, asked, logins, close } = await forwardProxy({ tunnelTo: (server.address() as AddressInfo).port })
  onTestFinished(async () => {
    await close()
    server.closeAllConnections()
    server.close()
  })
  const env = { ...process.env, HTTPS_PROXY: `http://me:word@${host}`, NODE_EXTRA_CA_CERTS: path('../fixtures/tls/ca.pem') }
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', SCRIPT], { env })
  expect(stdout).toBe('206 https://ghcr.io/v2/ ghcr.io bytes=1-\n')
  expect({ asked, logins }).toEqual({ asked: ['CONNECT ghcr.io:443'], logins: ['me:word'] })
})
