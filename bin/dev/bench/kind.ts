import { benchLoop } from './loop.ts'
import { row, run, timed, times } from './measure.ts'
import { onProject } from './project.ts'

/** A cluster of kind: `up` beside a bare `kind create cluster --wait`, then the loop. `npm run bench kind [RUNS]`; takes minutes. */
export const bench = async ([count = '10']: readonly string[]): Promise<void> => {
  const image = process.env['KSAIL_NODE_IMAGE']
  const bare = ['create', 'cluster', '--name', 'bench-bare', '--wait', '3m', ...(image === undefined ? [] : ['--image', image])]
  const runs = Number(count)
  await onProject('bench-ksail', { KSAIL_PROVIDER: 'Docker' }, async ({ root, folder, env, fresh, ksail }) => {
    const kind = (...args: readonly string[]) => run('kind', args, { cwd: root, env })
    const drop = () => kind('delete', 'cluster', '--name', 'bench-bare')
    const [ups, bares]: [number[], number[]] = [[], []]
    for (let index = 0, most = Math.max(3, Math.round(runs / 3)); index < most; index++) {
      try {
        bares.push(await timed(() => kind(...bare)))
      } finally {
        await drop()
      }
      fresh()
      ups.push(await timed(() => ksail('up')))
      if (index < most - 1) await ksail('down')
    }
    console.log(`${row('up: empty folder to first artifact live', ups)}  ${times(ups, bares)} kind`)
    console.log(row('peer: kind create cluster --wait', bares))
    await benchLoop({ folder, env, runs, ksail })
    console.log(row('down', [await timed(() => ksail('down'))]))
  })
}
