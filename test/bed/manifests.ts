import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { Project } from './project.ts'

/** A ConfigMap in the namespace `default`; a text is its key `value`. */
export const configMap = (name: string, data: string | Readonly<Record<string, string>>): string =>
  stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'default' },
    data: typeof data === 'string' ? { value: data } : data,
  })

/** A Deployment of one container, which ends at once when it is told to. */
export const deployment = (name: string, container: object, pod: object = {}): string =>
  stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default' },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { terminationGracePeriodSeconds: 0, containers: [{ name, ...container }], ...pod },
      },
    },
  })

export const kustomization = (resources: readonly string[]): string =>
  stringify({ apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization', resources })

/** What a test file puts into k8s/ one by one; the root kustomization names exactly these. */
export const manifestsOf = (of: Project) => {
  const texts = new Map<string, string>()
  const sync = (): void => {
    for (const [file, text] of texts) of.write(`k8s/${file}`, text)
    of.write('k8s/kustomization.yaml', kustomization([...texts.keys()]))
  }
  return {
    sync,
    put: (file: string, text: string): void => {
      texts.set(file, text)
      sync()
    },
    drop: (file: string): void => {
      texts.delete(file)
      rmSync(join(of.folder, 'k8s', file), { force: true })
      sync()
    },
  }
}
