import { describe, expect, it } from 'vitest'
import { emptyFolder, ksail, standIns } from './run.ts'

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Runs a stop whose docker says `started PID` and then hangs; each time a line matches, the next signal is sent. */
const interrupted = async (script: string, signals: readonly (readonly [RegExp, NodeJS.Signals])[]) => {
  const left = [...signals]
  let last = 0
  const ended = await ksail(['cluster', 'stop', '--name', 'dev', '-vv'], {
    cwd: emptyFolder(),
    env: standIns({ docker: script }),
    onStderr: (text, child) => {
      while (left[0]?.[0].test(text) === true) {
        last = performance.now()
        child.kill(left.shift()![1])
      }
    },
  })
  const pid = Number(/started (\d+)/.exec(ended.stderr)?.[1])
  return { ...ended, pid, left, ms: performance.now() - last }
}

describe.each([
  ['SIGINT', 130, 'interrupted'],
  ['SIGTERM', 143, 'terminated'],
] as const)('%s', (signal, status, message) => {
  it(`ends with ${status} after the child was told to stop`, async () => {
    const ended = await interrupted('trap "echo asked to stop >&2; exit 0" TERM\necho started $$ >&2\nwhile :; do sleep 0.1; done', [
      [/started/, signal],
    ])
    expect(ended).toMatchObject({ status, stdout: '', left: [] })
    expect(ended.stderr).toContain('asked to stop')
    expect(ended.stderr).toMatch(new RegExp(`^✗ ${message}$`, 'm'))
    expect(alive(ended.pid)).toBe(false)
  })
})

it('the second Ctrl-C ends at once and leaves no child behind', async () => {
  const ended = await interrupted('trap "echo not yet >&2" TERM\necho started $$ >&2\nwhile :; do sleep 0.1; done', [
    [/started/, 'SIGINT'],
    [/not yet/, 'SIGINT'],
  ])
  expect(ended).toMatchObject({ status: 130, left: [] })
  expect(ended.stderr).toMatch(/✗ interrupted twice: what was begun is left as it is\n$/)
  expect(ended.ms).toBeLessThan(5000)
  // the kill was sent before we ended; the system may take a moment to reap it
  await expect.poll(() => alive(ended.pid)).toBe(false)
})
