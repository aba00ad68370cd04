import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { describeObjects } from '../../../lib/artifact/facts.ts'
import type { Kube } from '../../../lib/tools/kube.ts'
import { ensureControllers } from '../../../lib/workload/controllers.ts'
import { fakeContext } from '../../fakes/context.ts'
import { fakeExec } from '../../fakes/exec.ts'
import { fakeTarget } from '../../fakes/target.ts'

const release = 'apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: podinfo, namespace: apps}\n'

/** A cluster that serves the kind after something was applied, or from the start. */
const cluster = ({ ours = true, serves = false } = {}) => {
  const applied: string[] = []
  let known = serves
  const kube = {
    get: async (path: string) =>
      path.startsWith('/apis/') ? (known ? {} : undefined) : path.endsWith('/configmaps/ksail') && ours ? {} : undefined,
    apply: async (objects: readonly { kind?: string | undefined }[]) => {
      applied.push(...objects.map(({ kind }) => kind ?? ''))
      known = true
    },
  } as unknown as Kube
  return { kube, applied }
}

const run = async (state: Parameters<typeof cluster>[0], text = release) => {
  const { kube, applied } = cluster(state)
  const exec = fakeExec({
    'flux version *': '{"flux": "v2.9.4"}',
    'kubectl kustomize *': release,
    'flux install *':
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: helm-controller, namespace: flux-system}\nspec: {template: {spec: {containers: [{name: manager, args: []}]}}}\n',
  })
  const ctx = fakeContext({ exec })
  const target = fakeTarget({ project: ctx.cwd, source: join(ctx.cwd, 'k8s'), engine: 'Flux', fluxProfile: 'stock' })
  mkdirSync(dirname(join(target.source, 'a.yaml')), { recursive: true })
  writeFileSync(join(target.source, 'a.yaml'), release)
  await ensureControllers(ctx, target, await describeObjects(text), kube)
  return { applied, texts: ctx.texts() }
}

describe('ensureControllers', () => {
  it('brings helm-controller with the first HelmRelease, and says so', async () => {
    const { applied, texts } = await run({})
    expect(applied).toContain('Deployment')
    expect(texts[0]).toBe('installing what HelmRelease podinfo needs: source-controller, kustomize-controller, helm-controller')
  })
  it('does nothing when the cluster knows the kind, or nothing needs it', async () => {
    expect(await run({ serves: true })).toEqual({ applied: [], texts: [] })
    expect(await run({}, 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n')).toEqual({ applied: [], texts: [] })
  })
  it('changes no cluster that ksail did not make', async () => {
    expect(await run({ ours: false })).toMatchObject({ applied: [], texts: [expect.stringContaining('needs a controller')] })
  })
})
