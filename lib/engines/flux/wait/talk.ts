import type { Session } from './session.ts'

/** A wait that is over soon needs no words. */
const SILENCE = 2000
/** A change is told after this; the same again only after `REPEAT`. */
const PAUSE = 3000
const REPEAT = 10_000

/** Says what a wait is blocked by: when that changes, and at least every ten seconds. */
export const createTalk = ({ ctx, now, alarm }: Session) => {
  let said = ''
  let saidAt = 0
  return {
    about: (blockers: () => readonly string[]): void => {
      if (now() < SILENCE) return alarm.at(SILENCE)
      const all = blockers()
      if (all.length === 0) return
      const text = `waiting for ${all.slice(0, 2).join('; ')}${all.length > 2 ? `; and ${all.length - 2} more` : ''}`
      const due = saidAt + (text === said ? REPEAT : PAUSE)
      if (now() < due) return alarm.at(due)
      said = text
      saidAt = now()
      ctx.report({ kind: 'wait', text })
      alarm.at(saidAt + REPEAT)
    },
  }
}
