import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import type { Target } from '../../../../lib/base/target.ts'
import { syncManifests } from '../../../../lib/engines/flux/sync.ts'
import { fakeContext } from '../../../fakes/context.ts'

const options = { url: 'oci://dev-local-registry:5000/k8s', insecure: true, tag: 'dev' }

const sync = async (files: Record<string, string> = {}, over: Partial<Parameters<typeof syncManifests>[2]> = {}) => {
  const ctx = fakeContext()
  mkdirSync(join(ctx.cwd, 'flux'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(ctx.cwd, 'flux', name), text)
  return syncManifests(ctx, { project: ctx.cwd, path: './clusters/local' } as Target, { ...options, ...over })
}
const documents = (yaml: string): Record<string, never>[] =>
  parseAllDocuments(yaml).map((document) => document.toJS() as Record<string, never>)

describe('what Flux is told to follow', () => {
  it('has a default for each file', async () => {
    const [source, start] = documents(await sync())
    expect(source).toMatchObject({
      kind: 'OCIRepository',
      metadata: { name: 'flux-system', namespace: 'flux-system' },
      spec: { url: options.url, ref: { tag: 'dev' }, insecure: true },
    })
    expect(start).toMatchObject({
      kind: 'Kustomization',
      spec: { path: './clusters/local', prune: true, wait: false, sourceRef: { kind: 'OCIRepository', name: 'flux-system' } },
    })
  })

  it('keeps what the user wrote, comments included', async () => {
    const text = await sync({
      'oci-repository.yaml':
        'apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata:\n  name: flux-system\n  namespace: flux-system\nspec:\n  interval: 7m # mine\n  url: ""\n  ref:\n    # filled in at create\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: beside\n',
    })
    expect(text).toContain('interval: 7m # mine')
    expect(documents(text).map(({ kind }) => kind)).toEqual(['OCIRepository', 'ConfigMap', 'Kustomization'])
    expect(documents(text)[0]).toMatchObject({ spec: { url: options.url, ref: { tag: 'dev' } } })
  })

  it('speaks TLS and names the pull secret for a registry elsewhere', async () => {
    const [source] = documents(await sync({}, { url: 'oci://ghcr.io/o/app', insecure: false, pullSecret: 'ksail-registry-credentials' }))
    expect(source).toMatchObject({ spec: { url: 'oci://ghcr.io/o/app', secretRef: { name: 'ksail-registry-credentials' } } })
    expect(source).not.toHaveProperty('spec.insecure')
  })

  it('names file, line and column of what does not parse', async () => {
    await expect(sync({ 'kustomization.yaml': 'kind: Kustomization\nspec: {\n' })).rejects.toMatchObject({
      code: 'config',
      message: expect.stringMatching(/^flux\/kustomization\.yaml:\d+:\d+: /),
    })
  })

  it('refuses a file without the object', async () => {
    await expect(sync({ 'oci-repository.yaml': 'kind: Secret\n' })).rejects.toMatchObject({
      code: 'config',
      message: 'flux/oci-repository.yaml: holds no OCIRepository',
    })
  })
})
