import type { Event } from '../base/events.ts'

/** How far something has got. */
export type Progress = Pick<Extract<Event, { kind: 'progress' }>, 'done' | 'total' | 'unit'>

const bytes = (count: number): string => (count < 1e6 ? `${(count / 1e3).toFixed(0)} kB` : `${(count / 1e6).toFixed(1)} MB`)

/** `12.4 MB of 27.0 MB`, `3 of 10`. */
export const formatAmount = ({ done, total, unit }: Progress): string => {
  const show = unit === 'bytes' ? bytes : String
  return total === undefined ? show(done) : `${show(done)} of ${show(total)}`
}
