import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { stringify } from 'yaml'
import { hasTools } from '../needs.ts'
import { loop } from './claims.ts'
import type { manifestsOf } from './manifests.ts'
import { output } from './programs.ts'
import type { Project } from './project.ts'

const TEMPLATE = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  text: {{ .Values.text | quote }}\n'

/** Puts a chart of one ConfigMap into the registry of a cluster. */
const pushChart = async (dev: Project): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'chart-'))
  mkdirSync(join(folder, 'greeting/templates'), { recursive: true })
  writeFileSync(join(folder, 'greeting/Chart.yaml'), stringify({ apiVersion: 'v2', name: 'greeting', version: '0.1.0' }))
  writeFileSync(join(folder, 'greeting/values.yaml'), 'text: none\n')
  writeFileSync(join(folder, 'greeting/templates/config.yaml'), TEMPLATE)
  await output('helm', 'package', join(folder, 'greeting'), '-d', folder)
  await output('helm', 'push', join(folder, 'greeting-0.1.0.tgz'), `oci://${await dev.registry()}/charts`, '--plain-http')
}

const release = (registry: string, text: string): string =>
  [
    stringify({
      apiVersion: 'source.toolkit.fluxcd.io/v1',
      kind: 'OCIRepository',
      metadata: { name: 'greeting', namespace: 'default' },
      spec: {
        interval: '10m',
        insecure: true,
        url: `oci://${registry}/charts/greeting`,
        ref: { tag: '0.1.0' },
        layerSelector: { mediaType: 'application/vnd.cncf.helm.chart.content.v1.tar+gzip', operation: 'copy' },
      },
    }),
    stringify({
      apiVersion: 'helm.toolkit.fluxcd.io/v2',
      kind: 'HelmRelease',
      metadata: { name: 'greeting', namespace: 'default' },
      spec: { interval: '10m', chartRef: { kind: 'OCIRepository', name: 'greeting' }, values: { text } },
    }),
  ].join('---\n')

const NAME = 'a HelmRelease of a chart in the local registry brings helm-controller along'

/** The first HelmRelease of a cluster: the same on every provider. */
export const itBringsHelm = (dev: Project, { put }: Pick<ReturnType<typeof manifestsOf>, 'put'>): void => {
  const helm = hasTools('helm')
  // said once for a cluster, whichever try of this test it was that pushed the first one
  let said = ''
  it.skipIf(!helm)(helm ? NAME : `${NAME} (skipped: helm is missing)`, async () => {
    await pushChart(dev)
    const registry = dev.provider.registryInside(dev.name, await dev.port())
    put('greeting.yaml', release(registry, 'hello'))
    const pushed = await dev.ok('workload', 'push')
    said += pushed.stderr
    expect(said).toMatch(/helm-controller/)
    await dev.ok('workload', 'reconcile')
    expect(await dev.data('greeting')).toEqual({ text: 'hello' })
    const { status, metadata } = await dev.get('/apis/helm.toolkit.fluxcd.io/v2/namespaces/default/helmreleases/greeting')
    expect(status.conditions?.find((it) => it.type === 'Ready')).toMatchObject({
      status: 'True',
      observedGeneration: metadata.generation,
    })

    put('greeting.yaml', release(registry, 'good morning'))
    await loop(dev)
    expect(await dev.data('greeting')).toEqual({ text: 'good morning' })
  })
}
