/** Wakes a loop when something has changed, or when a time has come. */
export interface Alarm {
  /** Something has changed: look again. */
  readonly ring: () => void
  /** Look again at this time at the latest. Asked for anew after each look. */
  readonly at: (time: number) => void
  /** Settles at the next ring or time; a ring since the last look counts. */
  readonly next: () => Promise<void>
}

export const createAlarm = (now: () => number): Alarm => {
  let rung = false
  let due = Infinity
  let wake: (() => void) | undefined
  return {
    ring: () => {
      rung = true
      wake?.()
    },
    at: (time) => void (due = Math.min(due, time)),
    next: async () => {
      // events that arrive together are one look
      await new Promise((resolve) => setImmediate(resolve))
      if (!rung) {
        let timer: NodeJS.Timeout | undefined
        await new Promise<void>((resolve) => {
          wake = resolve
          if (due < Infinity) timer = setTimeout(resolve, Math.max(0, due - now()) + 1)
        })
        clearTimeout(timer)
        wake = undefined
      }
      rung = false
      due = Infinity
    },
  }
}
