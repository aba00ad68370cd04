import type { KsailError } from './errors.ts'

/** What work comes to, or what `late` says when that takes longer: the work itself goes on, and its outcome is nobody's business any more. */
export const within = async <T>(ms: number, work: Promise<T>, late: () => KsailError): Promise<T> => {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<never>((_resolve, reject) => void (timer = setTimeout(() => reject(late()), ms)))
  try {
    return await Promise.race([work, over])
  } finally {
    clearTimeout(timer)
  }
}
