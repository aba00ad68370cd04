import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { KsailError } from '../base/errors.ts'
import type { Target } from '../base/target.ts'
import { DOWN } from '../tools/kube-failure.ts'

/** A question that takes longer is told. */
const SILENCE = 5000

/** The first answer of a cluster, within the time that the whole wait may take: a connection that hangs must not outlast it. */
export const answerOf = async <T>(
  ctx: Pick<Context, 'report'>,
  { name, timeout }: Pick<Target, 'name' | 'timeout'>,
  ask: Promise<T>,
): Promise<T> => {
  const timers: NodeJS.Timeout[] = []
  const late = new Promise<never>((_resolve, reject) => {
    timers.push(
      setTimeout(() => ctx.report({ kind: 'wait', text: `waiting for cluster ${name} to answer` }), SILENCE),
      setTimeout(
        () => reject(new KsailError('timeout', `cluster ${name} does not answer after ${formatDuration(timeout)}`, { hint: DOWN })),
        timeout,
      ),
    )
  })
  try {
    return await Promise.race([ask, late])
  } finally {
    for (const timer of timers) clearTimeout(timer)
    // what it says later is nobody's business any more
    ask.catch(() => undefined)
  }
}
