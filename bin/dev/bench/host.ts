import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { benchLoop } from './loop.ts'
import { row, timed } from './measure.ts'
import { onHost } from './project.ts'

/** MiB that the processes of a cluster hold, by component. */
const memory = (unit: string): readonly (readonly [string, number])[] =>
  readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .flatMap((pid) => {
      try {
        const word = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0] ?? ''
        if (!word.startsWith(unit)) return []
        const kib = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
        return [[word.split('/').at(-1) as string, Number(kib) / 1024] as const]
      } catch {
        // it ended while it was looked at
        return []
      }
    })

/** A cluster without Docker: from an empty folder to the first artifact live, a change to live, memory. `npm run bench host [RUNS]`. */
export const bench = async ([count = '10']: readonly string[]): Promise<void> => {
  const runs = Number(count)
  await onHost(async ({ root, folder, env, fresh, ksail }) => {
    fresh()
    await ksail('up')
    await ksail('down')
    const ups: number[] = []
    for (let index = 0, most = Math.max(3, Math.round(runs / 2)); index < most; index++) {
      fresh()
      ups.push(await timed(() => ksail('up')))
      if (index < most - 1) await ksail('down')
    }
    console.log(row('up: empty folder to first artifact live', ups))
    await benchLoop({ folder, env, runs, ksail })
    const parts = memory(join(root, 'state', 'ksail', 'host', 'dev'))
    console.log(
      `memory (MiB RSS): ${parts.map(([name, mib]) => `${name} ${mib.toFixed(0)}`).join(', ')}; together ${parts.reduce((sum, [, mib]) => sum + mib, 0).toFixed(0)}`,
    )
    console.log(row('down', [await timed(() => ksail('down'))]))
  })
}
