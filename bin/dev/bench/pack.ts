import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { header, inTurn, machine, row, times } from './measure.ts'

const KSAIL = fileURLToPath(new URL('../../ksail.js', import.meta.url))

/** A folder of manifests, hundred to a folder, about 2 kB each. */
const fill = (folder: string, files: number): void => {
  for (let index = 0; index < files; index++) {
    const below = join(folder, 'k8s', `app-${Math.floor(index / 100)}`)
    if (index % 100 === 0) mkdirSync(below, { recursive: true })
    const data = Array.from({ length: 40 }, (_, line) => `  key-${line}: value ${index} ${'x'.repeat(30)}`).join('\n')
    writeFileSync(
      join(below, `${index}.yaml`),
      `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c-${index}, namespace: default}\ndata:\n${data}\n`,
    )
  }
}

/** Runs a program; the most memory that it held (MiB), where the system tells. */
const peak = (file: string, args: readonly string[], cwd: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, KUBECONFIG: join(cwd, 'none') } })
    let [most, stderr] = [0, '']
    const look = setInterval(() => {
      try {
        most = Math.max(most, Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0) / 1024)
      } catch {
        // it has ended, or the system does not tell
      }
    }, 5)
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    child.once('close', (code) => {
      clearInterval(look)
      if (code === 0) resolve(most)
      else reject(new Error(`${file} ${args.join(' ')} ended with ${code}\n${stderr}`))
    })
  })

/** Packs 1,000 and 10,000 files for the first time and again, beside `flux build artifact`. `npm run bench pack [RUNS]`. */
export const bench = async ([count = '5']: readonly string[]): Promise<void> => {
  console.log(machine())
  console.log(header)
  for (const files of [1000, 10_000]) {
    const root = mkdtempSync(join(tmpdir(), 'bench-'))
    try {
      fill(root, files)
      const memory: number[][] = [[], [], []]
      const ours = [KSAIL, 'workload', 'push', 'oci://127.0.0.1:9/bench:dev', '--dry-run', '--no-validate']
      const forget = (): void => rmSync(join(root, '.ksail'), { recursive: true, force: true })
      const [cold = [], warm = [], flux = []] = await inTurn(Number(count), [
        async () => (forget(), memory[0]?.push(await peak(process.execPath, ours, root))),
        async () => memory[1]?.push(await peak(process.execPath, ours, root)),
        async () => memory[2]?.push(await peak('flux', ['build', 'artifact', '--path=k8s', '--output=out.tgz'], root)),
      ])
      const mib = (list: readonly number[] = []): string => `${Math.max(...list).toFixed(0)} MiB at most`
      console.log(`${row(`ksail workload push --dry-run, ${files} files, first time`, cold)}  ${mib(memory[0])}, ${times(cold, flux)} flux`)
      console.log(`${row(`ksail workload push --dry-run, ${files} files, unchanged`, warm)}  ${mib(memory[1])}, ${times(warm, flux)} flux`)
      console.log(`${row(`peer: flux build artifact, ${files} files`, flux)}  ${mib(memory[2])}`)
    } finally {
      rmSync(root, { recursive: true, force: true })
    }
  }
}
