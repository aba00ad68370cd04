import { Agent, request, type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import type { Context } from '../base/context.ts'
import { readPlainEntry } from '../io/kubeconfig.ts'
import type { Access } from './kubectl.ts'

/** A way to the API of one cluster. */
export interface Wire {
  request(options: RequestOptions, answered: (response: IncomingMessage) => void): ClientRequest
  readonly headers: Readonly<Record<string, string>>
  close(): void
}

/** Through a unix socket that something serves. */
export const socketWire = (socketPath: string): Wire => {
  const agent = new Agent({ keepAlive: true })
  return {
    request: (options, answered) => request({ ...options, socketPath, agent }, answered),
    headers: { host: 'localhost' },
    close: () => agent.destroy(),
  }
}

/**
 * Straight to an API server of this machine whose entry in the kubeconfig is an address, a certificate and a user of one kind and nothing
 * else, as ksail and kind write it: there is nothing that kubectl would have to do, and starting it is half of a short command. undefined: kubectl knows how.
 */
export const plainWire = async (ctx: Pick<Context, 'secrets'>, { kubeconfig, context }: Access): Promise<Wire | undefined> => {
  const entry = await readPlainEntry(kubeconfig, context)
  if (entry === undefined) return undefined
  const { user, authority } = entry
  if ('token' in user) ctx.secrets.add(user.token)
  const https = await import('node:https')
  const { hostname, port } = new URL(entry.server)
  const agent = new https.Agent({ keepAlive: true, ca: authority, ...('key' in user ? { cert: user.certificate, key: user.key } : {}) })
  const where = { hostname: hostname.replace(/^\[|\]$/g, ''), port, agent }
  return {
    request: (options, answered) => https.request({ ...options, ...where }, answered),
    headers: 'token' in user ? { authorization: `Bearer ${user.token}` } : {},
    close: () => agent.destroy(),
  }
}
