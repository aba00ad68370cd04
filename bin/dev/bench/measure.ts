import { spawn } from 'node:child_process'
import { cpus, loadavg } from 'node:os'

/** Runs a program to its end; its standard output. Throws with everything that it said unless it succeeds. */
export const run = (
  file: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    child.once('error', reject)
    child.once('close', (code) =>
      code === 0 ? resolve(stdout) : reject(new Error(`${file} ${args.join(' ')} ended with ${code}\n${stdout}${stderr}`)),
    )
  })

/** Seconds that some work takes. */
export const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1000
}

/** Seconds of each of `count` runs, one after the other. */
export const repeated = async (count: number, work: (index: number) => Promise<unknown>): Promise<readonly number[]> => {
  const all: number[] = []
  for (let index = 0; index < count; index++) all.push(await timed(() => work(index)))
  return all
}

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] as number

/** Seconds of several kinds of work, one of each in turn, so that a machine that gets busy is unfair to none. */
export const inTurn = async (count: number, works: readonly (() => Promise<unknown>)[]): Promise<readonly (readonly number[])[]> => {
  const all: number[][] = works.map(() => [])
  for (let index = 0; index < count; index++) for (const [place, work] of works.entries()) all[place]?.push(await timed(work))
  return all
}

/** How many times as long as the peer's the median is. */
export const times = (ours: readonly number[], peers: readonly number[]): string =>
  `${(
    quantile(
      ours.toSorted((a, b) => a - b),
      0.5,
    ) /
    quantile(
      peers.toSorted((a, b) => a - b),
      0.5,
    )
  ).toFixed(2)} x`

/** One line of a table: `what  min  p50  p95  max  (runs)`, in seconds. */
export const row = (what: string, seconds: readonly number[]): string => {
  const sorted = seconds.toSorted((a, b) => a - b)
  const figures = [sorted[0] as number, quantile(sorted, 0.5), quantile(sorted, 0.95), sorted.at(-1) as number].map((it) =>
    it.toFixed(2).padStart(7),
  )
  return `${what.padEnd(58)}${figures.join('')}  (${seconds.length})`
}

export const header = `${'seconds'.padEnd(58)}${['min', 'p50', 'p95', 'max'].map((it) => it.padStart(7)).join('')}`

/** What the machine is and how busy: figures of a busy one are slower in proportion. */
export const machine = (): string =>
  `${cpus().length} processors, load ${loadavg()
    .map((it) => it.toFixed(1))
    .join(' ')}, node ${process.version}`
