import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { repeated, row, run } from './measure.ts'
import { onHost } from './project.ts'

/** Numbers of the Kustomizations of a chain. */
export const LEVELS = [1, 2, 3, 4]

/** One of a chain, which waits for the one before. */
export const level = (index: number): string => `apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: level-${index}, namespace: flux-system}
spec:
  interval: 10m
  path: ./levels/${index}
  prune: true
  wait: true
  sourceRef: {kind: OCIRepository, name: flux-system}
  dependsOn: [${index === 1 ? '' : `{name: level-${index - 1}}`}]
`

/** Four Kustomizations, each waiting for the one before, all changed, until the last is live; fast and stock controllers, beside the flux command. `npm run bench chain [RUNS]`. */
export const bench = async ([count = '5']: readonly string[]): Promise<void> => {
  for (const profile of ['local', 'stock'])
    await onHost(async ({ folder, env, fresh, ksail }) => {
      const change = (value: string): void => {
        for (const index of LEVELS)
          writeFileSync(
            join(folder, 'k8s', 'levels', String(index), 'a.yaml'),
            `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: level-${index}, namespace: default}\ndata: {value: "${value}"}\n`,
          )
      }
      fresh()
      await ksail('up', '--flux-profile', profile)
      for (const index of LEVELS) {
        mkdirSync(join(folder, 'k8s', 'levels', String(index)), { recursive: true })
        writeFileSync(join(folder, 'k8s', `level-${index}.yaml`), level(index))
      }
      writeFileSync(join(folder, 'k8s', 'kustomization.yaml'), `resources: [${LEVELS.map((index) => `level-${index}.yaml`).join(', ')}]\n`)
      change('first')
      await ksail('workload', 'push', '--reconcile')
      const ours = await repeated(Number(count), (index) => (change(`ours ${index}`), ksail('workload', 'push', '--reconcile')))
      console.log(row(`${profile}: chain of 4 changed, push --reconcile, live`, ours))
      const { repository, tag } = JSON.parse(await ksail('workload', 'push', '-o', 'json')) as { repository: string; tag: string }
      const theirs = await repeated(1, async () => {
        change('flux')
        const target = `oci://${repository.replace(/^oci:\/\//, '')}:${tag}`
        const words = ['--path=k8s', '--source=bench', '--revision=dev@sha1:1', '--insecure-registry']
        await run('flux', ['push', 'artifact', target, ...words], { cwd: folder, env })
        await run('flux', ['reconcile', 'kustomization', 'flux-system', '--with-source'], { cwd: folder, env })
        const wait = ['wait', '-n', 'default', 'configmap/level-4', '--for=jsonpath={.data.value}=flux', '--timeout=3m']
        await run('kubectl', wait, { cwd: folder, env })
      })
      console.log(row(`${profile}: peer: flux push artifact && flux reconcile`, theirs))
    })
}
