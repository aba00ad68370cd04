import { formatSeconds } from '../base/duration.ts'
import type { Event } from '../base/events.ts'
import { formatAmount, type Progress } from './amount.ts'

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const ERASE = '\r\x1b[2K'
/** What the time before a text takes. */
const CLOCK = '100.0 s '.length

interface Terminal {
  readonly write: (text: string) => void
  readonly columns: () => number
}

interface Status {
  /** True when the live line tells this event and no line of its own is needed. */
  take(event: Event): boolean
  draw(): void
  /** Takes the line away; `stop` also forgets what runs, as before a question or at the end. */
  clear(stop?: boolean): void
}

/** How far all that runs has got, as one bar: several at once would not fit. What does not know its end is not in it. */
const bar = (all: readonly Progress[]): string => {
  const unit = all.some((it) => it.unit === 'bytes' && it.done !== it.total) ? 'bytes' : 'items'
  const known = all.filter((it) => it.unit === unit && it.total !== undefined)
  const [done, total] = [known.reduce((sum, it) => sum + it.done, 0), known.reduce((sum, it) => sum + (it.total ?? 0), 0)]
  if (done >= total) return ''
  const full = Math.min(20, Math.floor((done / total) * 20))
  return `[${'='.repeat(full)}${' '.repeat(20 - full)}] ${formatAmount({ done, total, unit })} · `
}

/** One line at the bottom of a terminal: what runs, for how long, and what it waits for. It never wraps, so that it can be erased. */
export const createStatus = ({ write, columns }: Terminal, now: () => number = () => performance.now()): Status => {
  const running = new Map<string, number>()
  let waiting = ''
  let told = ''
  const progress = new Map<string, Progress>()
  let shown = false
  let frame = 0
  let timer: NodeJS.Timeout | undefined
  const erase = (): void => {
    if (shown) write(ERASE)
    shown = false
  }
  const room = (): number => Math.max(columns() - 3, 10)
  const draw = (): void => {
    if (running.size === 0) {
      clearInterval(timer)
      timer = undefined
      return erase()
    }
    if (timer === undefined) {
      timer = setInterval(() => {
        frame += 1
        draw()
      }, 100)
      timer.unref()
    }
    const oldest = Math.min(...running.values())
    // what blocks comes first: the names of all that runs may be longer than the line
    const text = `${bar([...progress.values()])}${formatSeconds(now() - oldest)} ${waiting && `${waiting} · `}${[...running.keys()].join(', ')}`
    const letters = [...text]
    write(`${ERASE}${FRAMES[frame % FRAMES.length]} ${letters.length > room() ? `${letters.slice(0, room() - 1).join('')}…` : text}`)
    shown = true
  }
  return {
    take: (event) => {
      if (event.kind === 'step') running.set(event.text, now())
      else if (event.kind === 'wait' && running.size > 0) {
        waiting = event.text
        // the reason stands at the end: one that the live line would cut has a line of its own, once
        if ([...waiting].length + CLOCK > room() && waiting !== told) {
          told = waiting
          return false
        }
      } else if (event.kind === 'progress') progress.set(event.text, event)
      else {
        if (event.kind === 'done' || event.kind === 'missed') {
          if (running.delete(event.text)) waiting = ''
          if (event.kind === 'missed') progress.delete(event.text)
          // what is done stays in the bar, which would fall back without it, until nothing of it runs
          if (![...progress.keys()].some((text) => running.has(text))) progress.clear()
        }
        return false
      }
      draw()
      return true
    },
    draw,
    clear: (stop = false) => {
      erase()
      if (!stop) return
      running.clear()
      clearInterval(timer)
      timer = undefined
      waiting = ''
      progress.clear()
    },
  }
}
