import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { repeated, row, run } from './measure.ts'

export interface Loop {
  /** Of the project, whose cluster runs. */
  readonly folder: string
  readonly env: NodeJS.ProcessEnv
  readonly runs: number
  readonly ksail: (...args: readonly string[]) => Promise<string>
}

/** One ConfigMap edited until it is live, by ksail and by the flux command, beside a start of Node that does nothing. */
export const benchLoop = async ({ folder, env, runs, ksail }: Loop): Promise<void> => {
  const config = (value: string): void =>
    writeFileSync(
      join(folder, 'k8s', 'a.yaml'),
      `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: default}\ndata: {value: "${value}"}\n`,
    )
  writeFileSync(join(folder, 'k8s', 'kustomization.yaml'), 'resources: [a.yaml]\n')
  config('warm')
  await ksail('workload', 'push', '--reconcile')
  const { repository, tag } = JSON.parse(await ksail('workload', 'push', '-o', 'json')) as { repository: string; tag: string }
  const target = `oci://${repository.replace(/^oci:\/\//, '')}:${tag}`
  const flux = (...args: readonly string[]) => run('flux', args, { cwd: folder, env })
  const rows: readonly (readonly [string, number, (index: number) => Promise<unknown>])[] = [
    ['up: nothing to do', runs, () => ksail('up')],
    ['change, push --reconcile, live', runs, (index) => (config(`one ${index}`), ksail('workload', 'push', '--reconcile'))],
    [
      'change, push && reconcile, live',
      runs,
      async (index) => {
        config(`two ${index}`)
        await ksail('workload', 'push')
        await ksail('workload', 'reconcile')
      },
    ],
    ['push, nothing changed', runs, () => ksail('workload', 'push')],
    [
      'peer: flux push artifact && flux reconcile --with-source',
      Math.min(runs, 5),
      async (index) => {
        config(`flux ${index}`)
        await flux('push', 'artifact', target, '--path=k8s', '--source=bench', `--revision=dev@sha1:${index}`, '--insecure-registry')
        await flux('reconcile', 'kustomization', 'flux-system', '--with-source')
      },
    ],
    ['bare node -e 0', runs, () => run(process.execPath, ['-e', '0'], { cwd: folder, env })],
  ]
  for (const [what, count, work] of rows)
    try {
      console.log(row(what, await repeated(count, work)))
    } catch (error) {
      console.log(`${what}: ${(error as Error).message.split('\n').slice(0, 3).join(' ')}`)
    }
}
