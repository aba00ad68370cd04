import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { benchLoop } from './loop.ts'
import { header, machine, row, run, timed, times } from './measure.ts'

const KSAIL = fileURLToPath(new URL('../../ksail.js', import.meta.url))

/** A cluster of kind: `up` beside a bare `kind create cluster --wait`, then the loop. `npm run bench kind [RUNS]`; takes minutes. */
export const bench = async ([count = '10']: readonly string[]): Promise<void> => {
  const root = mkdtempSync(join(tmpdir(), 'bench-'))
  const folder = join(root, 'bench-ksail')
  const env = { ...process.env, XDG_STATE_HOME: join(root, 'state'), KUBECONFIG: join(root, 'kubeconfig'), KSAIL_PROVIDER: 'Docker' }
  const ksail = (...args: readonly string[]) => run(process.execPath, [KSAIL, ...args], { cwd: folder, env })
  const image = process.env['KSAIL_NODE_IMAGE']
  const kind = (...args: readonly string[]) => run('kind', args, { cwd: root, env })
  const bare = ['create', 'cluster', '--name', 'bench-bare', '--wait', '3m', ...(image === undefined ? [] : ['--image', image])]
  const runs = Number(count)
  console.log(machine())
  console.log(header)
  try {
    const [ups, bares]: [number[], number[]] = [[], []]
    for (let index = 0, most = Math.max(3, Math.round(runs / 3)); index < most; index++) {
      bares.push(await timed(() => kind(...bare)))
      await kind('delete', 'cluster', '--name', 'bench-bare')
      rmSync(folder, { recursive: true, force: true })
      mkdirSync(folder, { recursive: true })
      ups.push(await timed(() => ksail('up')))
      if (index < most - 1) await ksail('down')
    }
    console.log(`${row('up: empty folder to first artifact live', ups)}  ${times(ups, bares)} kind`)
    console.log(row('peer: kind create cluster --wait', bares))
    await benchLoop({ folder, env, runs, ksail })
    console.log(row('down', [await timed(() => ksail('down'))]))
    console.log(machine())
  } finally {
    await ksail('down').catch((error: Error) => console.error(error.message))
    await kind('delete', 'cluster', '--name', 'bench-bare').catch((error: Error) => console.error(error.message))
    rmSync(root, { recursive: true, force: true })
  }
}
