import type { KsailError } from './errors.ts'

/** How finely the time is counted (ms). */
const TICK = 100

/**
 * What work comes to, or what `late` says when that takes longer (ms): the work itself goes on, and its outcome is nobody's business any
 * more. While this process is too busy to hear an answer, as when it packs, no time goes by.
 */
export const within = async <T>(ms: number, work: Promise<T>, late: () => KsailError): Promise<T> => {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<never>((_resolve, reject) => {
    const wait = (left: number): void => {
      timer = setTimeout(() => (left <= TICK ? reject(late()) : wait(left - TICK)), Math.min(left, TICK))
    }
    wait(ms)
  })
  try {
    return await Promise.race([work, over])
  } finally {
    clearTimeout(timer)
  }
}
