import type { Context } from '../base/context.ts'
import { deferred } from '../base/deferred.ts'
import { isLoopback, parseReference } from '../base/reference.ts'
import * as oras from '../tools/oras.ts'
import { readPushes } from './last-push.ts'

/** A question to a registry that was asked before it was known that it is the right one. */
export interface Ahead {
  readonly repository: string
  readonly tag: string
  /** What the tag names; rejects when that could not be asked. */
  readonly head: Promise<string | undefined>
  /** Ends the question when nobody wants the answer. */
  end(): void
}

/**
 * Asks what the last push of this project went to, while it is found out where this one goes: most often to the same place. Settles when the
 * question is on its way. Only for a registry of this machine: nobody else learns of a question that turns out to be for another.
 */
export const askAhead = async (ctx: Context, project: string): Promise<Ahead | undefined> => {
  const [last] = await readPushes(project)
  const { host } = last === undefined ? {} : (parseReference(`oci://${last.repository}:${last.tag}`, 'read') ?? {})
  if (last === undefined || host === undefined || !isLoopback(host)) return undefined
  const { repository, tag } = last
  const running = deferred<void>()
  const stop = new AbortController()
  const head = oras.resolve(ctx, `${repository}:${tag}`, {
    plainHttp: true,
    timeout: 15_000,
    signal: stop.signal,
    onStart: running.resolve,
  })
  head.catch(() => undefined)
  await Promise.race([running.promise, head.catch(() => undefined)])
  return { repository, tag, head, end: () => stop.abort(new Error('nobody wants to know')) }
}
