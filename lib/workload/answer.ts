import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { KsailError } from '../base/errors.ts'
import { telling } from '../base/events.ts'
import type { Target } from '../base/target.ts'
import { within } from '../base/within.ts'
import { DOWN } from '../tools/kube-failure.ts'

/** The first answer of a cluster, within the time that the whole wait may take: a connection that hangs must not outlast it. */
export const answerOf = async <T>(
  ctx: Pick<Context, 'report'>,
  { name, timeout }: Pick<Target, 'name' | 'timeout'>,
  ask: Promise<T>,
): Promise<T> => {
  const late = (): KsailError =>
    new KsailError('timeout', `cluster ${name} does not answer after ${formatDuration(timeout)}`, { hint: DOWN })
  return telling(ctx, () => `waiting for cluster ${name} to answer`, within(timeout, ask, late))
}
