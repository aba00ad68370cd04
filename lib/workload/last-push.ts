import { dirname, join } from 'node:path'
import type { Context } from '../base/context.ts'
import { messageOf } from '../base/errors.ts'
import { refusalOf } from '../base/refusal.ts'
import { isTag } from '../base/reference.ts'
import { exists, readJson, sweepHalves, writeJson } from '../io/files.ts'
import { withLock } from '../io/lock.ts'

/** What this project pushed. */
export interface LastPush {
  /** `host[:port]/repository`. */
  readonly repository: string
  readonly tag: string
  readonly digest: string
  /** ISO 8601. */
  readonly at: string
  /** It was compared with what the cluster had applied. */
  readonly compared?: true | undefined
}

const KEPT = 50

const pathOf = (project: string): string => join(project, '.ksail', 'last-push.json')

const isPush = (it: Partial<Record<keyof LastPush, unknown>> | null): boolean =>
  typeof it?.repository === 'string' &&
  /^[^\s/]+\/[^\s]+$/.test(it.repository) &&
  typeof it.tag === 'string' &&
  isTag(it.tag) &&
  /^sha256:[0-9a-f]{64}$/.test(String(it.digest))

/** What this project pushed, newest first. */
export const readPushes = async (project: string): Promise<readonly LastPush[]> => {
  // a memory that cannot be read is none: the registry knows the tag as well
  const found = await readJson<{ pushes?: readonly LastPush[] }>(pathOf(project)).catch(() => undefined)
  return Array.isArray(found?.pushes) ? found.pushes.filter(isPush) : []
}

/** What this project last pushed to a repository and tag; undefined when nothing is remembered. */
export const readLastPush = async (project: string, repository: string, tag: string): Promise<LastPush | undefined> =>
  (await readPushes(project)).find((it) => it.repository === repository && it.tag === tag)

/** Remembers pushes, newest first. A project that cannot be written is told, it is no failure: the artifact is there. */
export const writeLastPush = async (ctx: Context, project: string, pushes: readonly LastPush[]): Promise<void> => {
  const isSame = (one: LastPush, two: LastPush): boolean => one.repository === two.repository && one.tag === two.tag
  const lock = `${pathOf(project)}.lock`
  // there may be nothing to write, but what a killed push left behind
  await sweepHalves(dirname(lock))
  const before = await readPushes(project)
  if (!(await exists(lock)) && pushes.every((it) => before.some((other) => isSame(it, other) && other.digest === it.digest))) return
  const write = async (): Promise<void> => {
    const others = (await readPushes(project)).filter((it) => !pushes.some((other) => isSame(it, other)))
    await writeJson(pathOf(project), { pushes: [...pushes, ...others].slice(0, KEPT) })
  }
  // another push at this moment must not bring back what it has read before this one: nobody waits long enough to be told
  await withLock({ ...ctx, report: () => undefined }, lock, 'what was pushed', write).catch((error: unknown) =>
    ctx.report({ kind: 'warn', text: `what was pushed is not remembered: ${messageOf(refusalOf(error as NodeJS.ErrnoException))}` }),
  )
}
