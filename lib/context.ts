import { setMaxListeners } from 'node:events'
import { resolve } from 'node:path'
import type { Context } from './base/context.ts'
import { createExec, createSpawn } from './io/exec.ts'
import { host } from './io/host.ts'
import { createFetch } from './io/http.ts'
import { createAsker } from './io/prompt.ts'
import { createLocate } from './tools/locate.ts'

const silent = createAsker({ available: false })

/**
 * The only wiring of real dependencies. What is not given is silent and stands on this process: its folder, its environment.
 *
 * @example
 * const ctx = createContext({ report: (event) => console.error(event) })
 */
export const createContext = (over: Partial<Context> = {}): Context => {
  const settings = {
    // names and records are made of it, and children are started elsewhere: a relative one would mean another folder there
    cwd: resolve(over.cwd ?? host.cwd()),
    env: over.env ?? host.env(),
    report: over.report ?? (() => undefined),
    signal: over.signal ?? new AbortController().signal,
    secrets: over.secrets ?? new Set<string>(),
  }
  // every request and every child listens to it: many at a time are no leak, which Node would warn of on stderr
  setMaxListeners(0, settings.signal)
  const platform = over.platform ?? host.platform
  const exec = over.exec ?? createExec(settings)
  const locate =
    over.locate ??
    createLocate({ ...settings, platform, exec }, async (tool) => (await import('./tools/install/steps.ts')).installSteps(context, tool))
  const context: Context = {
    ...settings,
    platform,
    exec,
    spawn: over.spawn ?? createSpawn(settings),
    ask: over.ask ?? silent,
    fetch: over.fetch ?? createFetch(settings),
    locate,
    cleanup:
      over.cleanup ??
      (() =>
        createContext({
          ...over,
          ...settings,
          locate,
          signal: new AbortController().signal,
          exec: over.exec,
          spawn: over.spawn,
        } as Partial<Context>)),
    // whole milliseconds: nobody can use more of them
    now: over.now ?? (() => Math.round(performance.now())),
    sleep:
      over.sleep ??
      ((ms) =>
        new Promise((resolve, reject) => {
          const timer = setTimeout(done, ms)
          function done(): void {
            settings.signal.removeEventListener('abort', aborted)
            resolve()
          }
          function aborted(): void {
            clearTimeout(timer)
            reject(settings.signal.reason)
          }
          if (settings.signal.aborted) aborted()
          else settings.signal.addEventListener('abort', aborted, { once: true })
        })),
    random: over.random ?? Math.random,
  }
  return context
}
