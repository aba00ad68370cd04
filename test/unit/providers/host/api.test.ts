import { describe, expect, it } from 'vitest'
import { applyManifests, manifestsIn, servedKind, type Answer, type Api, type ApiPatience } from '../../../../lib/providers/host/api.ts'
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
    await applyManifests(fakeContext(), api, manifestsIn(YAML), { manager: 'ksail', until: 90_000 })
    expect(api.asked.map((it) => it.split('?')[0]?.split('/').at(-2))).toEqual([
      'namespaces',
      'namespaces',
      'ocirepositories',
      'ocirepositories',
    ])
  })

  it('are refused with the words of the server', async () => {
    const api = fakeApi(() => ({ status: 422, body: JSON.stringify({ message: 'spec.url: Invalid value: "x"' }) }))
    await expect(applyManifests(fakeContext(), api, manifestsIn(YAML), { manager: 'ksail', until: 90_000 })).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('applying Namespace flux-system: spec.url: Invalid value'),
    })
  })
})

describe('an API server that is not there', () => {
  const apply = (ask: () => Answer, patience: Partial<ApiPatience> = {}) => {
    const ctx = fakeContext()
    const applied = applyManifests(ctx, fakeApi(ask), manifestsIn(YAML), { manager: 'ksail', until: 90_000, ...patience })
    return { ctx, applied }
  }

  it('is waited for as long as the wait may take, and no longer', async () => {
    let ctx: ReturnType<typeof fakeContext> | undefined
    const slow = apply(() => ({ status: (ctx?.now() ?? 0) < 80_000 ? 0 : 200, body: '' }))
    ctx = slow.ctx
    await slow.applied
    const silent = apply(() => ({ status: 0, body: 'no answer' }))
    await expect(silent.applied).rejects.toMatchObject({
      code: 'timeout',
      message: 'applying Namespace flux-system: no answer',
      hint: expect.stringContaining('--timeout'),
    })
    expect(silent.ctx.now()).toBe(90_000)
  })

  it('is not waited for when it is known to have ended, or when what it was for has failed', async () => {
    const ended = async (): Promise<void> => {
      throw new Error('it has ended')
    }
    await expect(apply(() => ({ status: 0, body: '' }), { silent: ended }).applied).rejects.toThrow('it has ended')
    const failed = AbortSignal.abort(new Error('the registry failed'))
    await expect(apply(() => ({ status: 0, body: '' }), { signal: failed }).applied).rejects.toThrow('the registry failed')
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
  await servedKind(fakeContext(), api, { kind: 'CustomResourceDefinition', name: 'things.g', path: '/crd', text: '' }, { until: 90_000 })
  expect([looks, lists, api.asked.at(-1)]).toEqual([2, 2, 'GET /apis/g/v1/things?limit=1'])
})
