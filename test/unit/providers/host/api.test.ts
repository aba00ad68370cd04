import { describe, expect, it } from 'vitest'
import { applyManifests, manifestsIn, servedKind, type Answer, type Api } from '../../../../lib/providers/host/api.ts'
import { fakeContext } from '../../../fakes/context.ts'

const YAML = `---
apiVersion: v1
kind: Namespace
metadata:
  labels:
    name: not-this
  name: flux-system
---
# a comment
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata:
  name: "flux-system"
  namespace: flux-system
spec:
  url: oci://127.0.0.1:5050/k8s
`

const fakeApi = (answers: (method: string, path: string) => Answer): Api & { readonly asked: string[] } => {
  const asked: string[] = []
  return { asked, close: () => undefined, send: async (method, path) => (asked.push(`${method} ${path}`), answers(method, path)) }
}

describe('manifests', () => {
  it('are known by their head alone', () => {
    expect(manifestsIn(YAML).map(({ kind, name, path }) => [kind, name, path])).toEqual([
      ['Namespace', 'flux-system', '/api/v1/namespaces/flux-system'],
      ['OCIRepository', 'flux-system', '/apis/source.toolkit.fluxcd.io/v1/namespaces/flux-system/ocirepositories/flux-system'],
    ])
  })

  it('are applied namespaces first, and again while the server starts', async () => {
    let calls = 0
    const api = fakeApi(() =>
      ++calls === 1 ? { status: 0, body: 'ECONNREFUSED' } : calls === 3 ? { status: 404, body: '' } : { status: 200, body: '{}' },
    )
    await applyManifests(fakeContext(), api, manifestsIn(YAML), 'ksail')
    expect(api.asked.map((it) => it.split('?')[0]?.split('/').at(-2))).toEqual([
      'namespaces',
      'namespaces',
      'ocirepositories',
      'ocirepositories',
    ])
  })

  it('are refused with the words of the server', async () => {
    const api = fakeApi(() => ({ status: 422, body: JSON.stringify({ message: 'spec.url: Invalid value: "x"' }) }))
    await expect(applyManifests(fakeContext(), api, manifestsIn(YAML), 'ksail')).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('applying Namespace flux-system: spec.url: Invalid value'),
    })
  })
})

it('a kind is served when it is established and can be listed', async () => {
  const definition = (established: boolean): Answer => ({
    status: 200,
    body: JSON.stringify({
      spec: {
        group: 'g',
        names: { plural: 'things' },
        versions: [
          { name: 'v1alpha1', served: false },
          { name: 'v1', served: true },
        ],
      },
      status: { conditions: [{ type: 'Established', status: String(established ? 'True' : 'False') }] },
    }),
  })
  let [looks, lists] = [0, 0]
  const api = fakeApi((_, path) => (path.startsWith('/apis/g/') ? { status: ++lists > 1 ? 200 : 404, body: '' } : definition(++looks > 1)))
  await servedKind(fakeContext(), api, { kind: 'CustomResourceDefinition', name: 'things.g', path: '/crd', text: '' })
  expect([looks, lists, api.asked.at(-1)]).toEqual([2, 2, 'GET /apis/g/v1/things?limit=1'])
})
