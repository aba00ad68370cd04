import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Context } from '../../lib/base/context.ts'
import type { Event } from '../../lib/base/events.ts'
import { fakeExec, fakeLocate } from './exec.ts'

const nobody = (what: string) => (): never => {
  throw new Error(`the fake context was not told about: ${what}`)
}

/** A new folder that is removed when the test has finished. */
export const tempFolder = (): string => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'ksail-test-')))
  try {
    onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }))
  } catch {
    // outside of a test, as in beforeAll: the folder stays until the system sweeps it
  }
  return folder
}

/**
 * A context that touches nothing: its own temporary folder with `project` as cwd and `home` as HOME, a clock that only sleeps move, fakes that refuse.
 * What the verbs reported is in `events`. An `env` given is added to HOME and the XDG folders.
 */
export const fakeContext = (over: Partial<Context> = {}): Context & { readonly events: Event[]; readonly texts: () => string[] } => {
  const root = tempFolder()
  const cwd = over.cwd ?? join(root, 'project')
  for (const folder of [cwd, join(root, 'home')]) mkdirSync(folder, { recursive: true })
  const events: Event[] = []
  let clock = 0
  const ctx: ReturnType<typeof fakeContext> = {
    platform: 'linux',
    exec: fakeExec(),
    spawn: nobody('spawn'),
    ask: { available: false, confirm: nobody('a question'), text: nobody('a question'), select: nobody('a question') },
    signal: new AbortController().signal,
    fetch: nobody('fetch'),
    locate: fakeLocate,
    now: () => clock,
    sleep: async (ms) => {
      clock += ms
      await new Promise((resolve) => setImmediate(resolve))
    },
    random: () => 0.5,
    secrets: new Set<string>(),
    cleanup: () => ctx,
    ...over,
    cwd,
    env: {
      HOME: join(root, 'home'),
      XDG_STATE_HOME: join(root, 'home', 'state'),
      XDG_CACHE_HOME: join(root, 'home', 'cache'),
      ...over.env,
    },
    report: (event) => {
      events.push(event)
      over.report?.(event)
    },
    events,
    texts: () => events.flatMap((event) => ('text' in event ? [event.text] : [])),
  }
  return ctx
}
