import { describe, expect, it } from 'vitest'
import { readSource } from '../../../../lib/engines/flux/source.ts'
import { fakeKube } from '../../../fakes/kube.ts'

const repository = { apiVersion: 'source.toolkit.fluxcd.io/v1', kind: 'OCIRepository', metadata: { name: 'flux-system', namespace: 'flux-system' }, spec: { url: 'oci://dev-local-registry:5000/k8s', ref: { tag: 'dev' } } }
const instance = { apiVersion: 'fluxcd.controlplane.io/v1', kind: 'FluxInstance', metadata: { name: 'flux', namespace: 'flux-system' }, spec: { sync: { url: 'oci://ghcr.io/o/fleet', ref: 'main' } } }

describe('what the cluster reads', () => {
  it('is nothing in an empty cluster', async () => {
    expect(await readSource(fakeKube())).toBeUndefined()
  })

  it('is the OCIRepository that ksail configures', async () => {
    expect(await readSource(fakeKube(repository))).toEqual({ url: repository.spec.url, tag: 'dev', digest: undefined, resource: 'OCIRepository/flux-system/flux-system' })
  })

  it('is the FluxInstance where there is one', async () => {
    expect(await readSource(fakeKube(repository, instance))).toEqual({ url: 'oci://ghcr.io/o/fleet', tag: 'main', digest: undefined, resource: 'FluxInstance/flux-system/flux' })
  })
})
