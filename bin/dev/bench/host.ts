import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { benchLoop } from './loop.ts'
import { header, machine, row, run, timed } from './measure.ts'

const KSAIL = fileURLToPath(new URL('../../ksail.js', import.meta.url))

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
  const root = mkdtempSync(join(tmpdir(), 'bench-'))
  const folder = join(root, 'dev')
  // the cache is the user's: binaries are there, as after the first use
  const env = {
    ...process.env,
    XDG_STATE_HOME: join(root, 'state'),
    KUBECONFIG: join(root, 'kubeconfig'),
    DOCKER_HOST: 'unix:///nowhere/docker.sock',
  }
  const ksail = (...args: readonly string[]) => run(process.execPath, [KSAIL, ...args], { cwd: folder, env })
  const fresh = async (): Promise<void> => {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
  }
  const runs = Number(count)
  console.log(machine())
  console.log(header)
  try {
    await fresh()
    await ksail('up')
    await ksail('down')
    const ups: number[] = []
    for (let index = 0; index < Math.max(3, Math.round(runs / 2)); index++) {
      await fresh()
      ups.push(await timed(() => ksail('up')))
      if (index < Math.max(3, Math.round(runs / 2)) - 1) await ksail('down')
    }
    console.log(row('up: empty folder to first artifact live', ups))
    await benchLoop({ folder, env, runs, ksail })
    const parts = memory(join(root, 'state', 'ksail', 'host', 'dev'))
    console.log(
      `memory (MiB RSS): ${parts.map(([name, mib]) => `${name} ${mib.toFixed(0)}`).join(', ')}; together ${parts.reduce((sum, [, mib]) => sum + mib, 0).toFixed(0)}`,
    )
    console.log(row('down', [await timed(() => ksail('down'))]))
    console.log(machine())
  } finally {
    await ksail('down').catch((error: Error) => console.error(error.message))
    rmSync(root, { recursive: true, force: true })
  }
}
