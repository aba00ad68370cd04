const UNITS = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const

/**
 * Milliseconds of a Go-like duration, undefined when it is none.
 *
 * @example
 * parseDuration('1h30m') // 5_400_000
 */
export const parseDuration = (text: string): number | undefined => {
  if (!/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined
  let total = 0
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g))
    total += Number(amount) * UNITS[unit as keyof typeof UNITS]
  return total
}

/** The longest wait (ms) that anybody can mean: beyond 24 days timers of the runtime would fire at once. */
const LONGEST = 24 * UNITS.h

/** The same for what somebody waits; undefined also for what is too short to be one, or too long. */
export const parseWait = (text: string): number | undefined => {
  const ms = parseDuration(text)
  return ms !== undefined && ms >= 1 && ms <= LONGEST ? ms : undefined
}

/** Seconds with one decimal, as people read them: `1.4 s`. */
export const formatSeconds = (ms: number): string =>
  ms < 59_950 ? `${(ms / 1000).toFixed(1)} s` : `${Math.floor(Math.round(ms / 1000) / 60)}m${Math.round(ms / 1000) % 60}s`

/** A duration as it is written in flags: `90s`, `5m`. */
export const formatDuration = (ms: number): string =>
  ms % 60_000 === 0 ? `${ms / 60_000}m` : ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`
