import { request } from 'node:http'
import type { Context } from '../base/context.ts'

/** Whether something of this machine answers 2xx at a URL within `timeout` ms. Refused, reset or too late: it does not. */
export const answers = async (ctx: Pick<Context, 'fetch' | 'signal'>, url: string, timeout: number): Promise<boolean> => {
  const stop = new AbortController()
  const timer = setTimeout(() => stop.abort(), timeout)
  try {
    const response = await ctx.fetch(url, { signal: AbortSignal.any([ctx.signal, stop.signal]) })
    await response.body?.cancel()
    return response.ok
  } catch (error) {
    if (ctx.signal.aborted) throw ctx.signal.reason
    if (error instanceof Error) return false
    throw error
  } finally {
    clearTimeout(timer)
  }
}

/** The same for a socket of this machine and a path. */
export const socketAnswers = (socketPath: string, path: string, timeout: number): Promise<boolean> =>
  new Promise((resolve) => {
    const sent = request({ socketPath, path, timeout }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    sent.once('timeout', () => sent.destroy(new Error('no answer')))
    sent.once('error', () => resolve(false))
    sent.end()
  })
