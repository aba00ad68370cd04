import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { header, inTurn, machine, row, run, times } from './measure.ts'

const KSAIL = fileURLToPath(new URL('../../ksail.js', import.meta.url))

/** What a command costs before it does anything, beside a Node that does nothing. `npm run bench start [RUNS]`. */
export const bench = async ([count = '20']: readonly string[]): Promise<void> => {
  const cwd = mkdtempSync(join(tmpdir(), 'bench-'))
  const node =
    (...args: readonly string[]) =>
    () =>
      run(process.execPath, args, { cwd, env: process.env })
  const commands = [['--version'], ['--help'], ['workload', 'push', '--help']] as const
  console.log(machine())
  console.log(header)
  try {
    await node(KSAIL, '--version')()
    const [bare = [], ...rest] = await inTurn(Number(count), [node('-e', '0'), ...commands.map((words) => node(KSAIL, ...words))])
    console.log(row('node -e 0', bare))
    for (const [index, seconds] of rest.entries())
      console.log(`${row(`ksail ${commands[index]?.join(' ')}`, seconds)}  ${times(seconds, bare)} node`)
  } finally {
    rmSync(cwd, { recursive: true, force: true })
  }
}
