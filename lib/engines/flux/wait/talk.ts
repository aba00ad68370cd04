import type { Session } from './session.ts'

/** A wait that is over soon needs no words. */
const SILENCE = 2000
/** A change is told after this; the same again only after `REPEAT`. */
const PAUSE = 3000
const REPEAT = 10_000
const LONGEST = 240

/** Says what a wait is blocked by: when that changes, and at least every ten seconds. */
export const createTalk = ({ ctx, now, alarm }: Session) => {
  let said = ''
  let saidAt = -Infinity
  return {
    about: (blockers: () => readonly string[]): void => {
      if (now() < SILENCE) return alarm.at(SILENCE)
      const all = blockers()
      if (all.length === 0) return
      const text = `waiting for ${all
        .slice(0, 2)
        .map((line) => (line.length > LONGEST ? `${line.slice(0, LONGEST - 1)}…` : line))
        .join('; ')}${all.length > 2 ? `; and ${all.length - 2} more` : ''}`
      const due = saidAt + (text === said ? REPEAT : PAUSE)
      if (now() < due) return alarm.at(due)
      said = text
      saidAt = now()
      ctx.report({ kind: 'wait', text })
      alarm.at(saidAt + REPEAT)
    },
  }
}
