import { KsailError } from '../base/errors.ts'
import type { Context } from '../base/context.ts'
import { answers } from '../io/answers.ts'
import { inspect, logs } from '../tools/docker.ts'

/** Docker's proxy accepts before the registry listens, and such a request never ends: it is given up and made again. */
const REQUEST = 300
const PAUSE = 25
const LIMIT = 30_000
/** From when on a silent registry is looked at: it may have ended. */
const DOUBT = 2000

/** Whether a registry answers on a port of this machine. */
export const registryAnswers = (ctx: Pick<Context, 'fetch' | 'signal'>, port: number, timeout = REQUEST): Promise<boolean> =>
  answers(ctx, `http://127.0.0.1:${port}/v2/`, timeout)

/** Waits until the registry in a container answers; a container that ends meanwhile ends the wait with its last words. */
export const waitForRegistry = async (ctx: Context, container: string, port: number): Promise<void> => {
  const start = ctx.now()
  let looked = start
  while (!(await registryAnswers(ctx, port))) {
    if (ctx.now() - looked > DOUBT) {
      looked = ctx.now()
      const [state] = await inspect(ctx, [container])
      const silent = looked - start > LIMIT
      if (silent || state?.status !== 'running')
        throw new KsailError(
          'failed',
          silent
            ? `registry ${container} does not answer on localhost:${port}`
            : `registry ${container} has ended (${state?.status ?? 'removed'})`,
          {
            details: state === undefined ? [] : (await logs(ctx, container, 20)).split('\n').filter(Boolean),
            hint: `look at docker logs ${container}, or name another image with KSAIL_REGISTRY_IMAGE`,
          },
        )
      ctx.report({ kind: 'wait', text: `registry ${container} does not answer yet` })
    }
    await ctx.sleep(PAUSE)
  }
}
