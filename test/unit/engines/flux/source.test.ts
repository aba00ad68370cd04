import { describe, expect, it } from 'vitest'
import { readSource } from '../../../../lib/engines/flux/source.ts'
import { clusterSource } from '../../../../lib/engines/index.ts'
import { KubeError } from '../../../../lib/tools/kube-failure.ts'
import { fakeContext } from '../../../fakes/context.ts'
import { fakeKube } from '../../../fakes/kube.ts'
import { fakeTarget } from '../../../fakes/target.ts'

const repository = {
  apiVersion: 'source.toolkit.fluxcd.io/v1',
  kind: 'OCIRepository',
  metadata: { name: 'flux-system', namespace: 'flux-system' },
  spec: { url: 'oci://dev-local-registry:5000/k8s', ref: { tag: 'dev' } },
}
const instance = {
  apiVersion: 'fluxcd.controlplane.io/v1',
  kind: 'FluxInstance',
  metadata: { name: 'flux', namespace: 'flux-system' },
  spec: { sync: { url: 'oci://ghcr.io/o/fleet', ref: 'main' } },
}

describe('what the cluster reads', () => {
  it('is nothing in an empty cluster', async () => {
    expect(await readSource(fakeKube())).toBeUndefined()
  })

  it('is the OCIRepository that ksail configures', async () => {
    expect(await readSource(fakeKube(repository))).toEqual({
      url: repository.spec.url,
      tag: 'dev',
      digest: undefined,
      resource: 'OCIRepository/flux-system/flux-system',
    })
  })

  it('is the FluxInstance where there is one', async () => {
    expect(await readSource(fakeKube(repository, instance))).toEqual({
      url: 'oci://ghcr.io/o/fleet',
      tag: 'main',
      digest: undefined,
      resource: 'FluxInstance/flux-system/flux',
    })
  })
})

describe('the login of the pull secret', () => {
  const auths = (host: string, login: object) => Buffer.from(JSON.stringify({ auths: { [host]: login } })).toString('base64')
  const secret = (config: string, labels?: Record<string, string>) =>
    ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'mine', namespace: 'flux-system', labels },
      data: { '.dockerconfigjson': config },
    }) as never
  const reading = { ...repository, spec: { url: 'oci://ghcr.io/o/fleet', ref: { tag: 'main' }, secretRef: { name: 'mine' } } }
  const entry = { auth: Buffer.from('u:p:w').toString('base64') }
  const secretOf = async (kube: ReturnType<typeof fakeKube>) => (await readSource(kube, { secret: true }))?.secret

  it('is that of the registry which the OCIRepository reads', async () => {
    expect(await secretOf(fakeKube(reading, secret(auths('ghcr.io', entry))))).toEqual({ host: 'ghcr.io', username: 'u', password: 'p:w' })
  })

  it('is named by a FluxInstance, too', async () => {
    const mine = { ...instance, spec: { sync: { ...instance.spec.sync, kind: 'OCIRepository', pullSecret: 'mine' } } }
    expect(await secretOf(fakeKube(mine, secret(auths('ghcr.io', entry))))).toEqual({ host: 'ghcr.io', username: 'u', password: 'p:w' })
  })

  it.each([
    ['nobody asks for it', fakeKube(reading, secret(auths('ghcr.io', entry))), {}],
    ['it may only pull', fakeKube(reading, secret(auths('ghcr.io', entry), { 'ksail.io/credentials': 'pull' })), { secret: true }],
    ['it is for another host', fakeKube(reading, secret(auths('quay.io', entry))), { secret: true }],
    ['half of it is missing', fakeKube(reading, secret(auths('ghcr.io', { username: 'u' }))), { secret: true }],
    ['it is no JSON', fakeKube(reading, secret('e30x')), { secret: true }],
    ['there is no such Secret', fakeKube(reading), { secret: true }],
  ])('is none when %s', async (_name, kube, options) => {
    const source = await readSource(kube, options)
    expect([source?.url, source?.secret]).toEqual(['oci://ghcr.io/o/fleet', undefined])
  })

  it('is none for who may not read Secrets', async () => {
    const kube = fakeKube(reading)
    const get: typeof kube.get = async (path) => {
      if (path.includes('/secrets/')) throw new KubeError('auth', 'forbidden', 403)
      return kube.get(path)
    }
    expect(await secretOf({ ...kube, get })).toBeUndefined()
  })
})

describe('clusterSource', () => {
  const application = (source: object) => ({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name: 'ksail', namespace: 'argocd' },
    spec: { source },
  })
  const find = (kube: ReturnType<typeof fakeKube>, engine = 'None') => clusterSource(fakeContext(), fakeTarget({ engine }), { kube })

  it('finds what Flux reads although no engine is configured, before an Application', async () => {
    expect((await find(fakeKube(repository, application({ repoURL: 'oci://ghcr.io/a/b' }))))?.resource).toBe(
      'OCIRepository/flux-system/flux-system',
    )
  })

  it.each([
    [
      { repoURL: 'oci://ghcr.io/a/b', targetRevision: 'v1' },
      { url: 'oci://ghcr.io/a/b', tag: 'v1', digest: undefined },
    ],
    [
      { repoURL: 'dev-local-registry:5000/k8s', targetRevision: 'HEAD' },
      { url: 'dev-local-registry:5000/k8s', tag: undefined, digest: undefined },
    ],
    [
      { repoURL: 'oci://ghcr.io/a/b', targetRevision: 'sha256:ab' },
      { url: 'oci://ghcr.io/a/b', tag: undefined, digest: 'sha256:ab' },
    ],
  ])('reads the Application of Argo CD: %j', async (source, expected) => {
    expect(await find(fakeKube(application(source)), 'Flux')).toEqual({ ...expected, resource: 'Application/argocd/ksail' })
  })

  it.each(['https://github.com/o/r', 'git@github.com:o/r.git', 'ssh://git@host/o/r'])(
    'takes a Git server for no registry: %s',
    async (repoURL) => {
      expect(await find(fakeKube(application({ repoURL })))).toBeUndefined()
    },
  )

  it('does not take the Git repository of a FluxInstance for a registry', async () => {
    const git = { ...instance, spec: { sync: { kind: 'GitRepository', url: 'https://github.com/o/r', ref: 'refs/heads/main' } } }
    expect(await find(fakeKube(git))).toBeUndefined()
  })
})
