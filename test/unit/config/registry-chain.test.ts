import { describe, expect, it } from 'vitest'
import { isKsailError } from '../../../lib/base/errors.ts'
import { reachFromHere } from '../../../lib/config/host.ts'
import { loadProject } from '../../../lib/config/project.ts'
import { resolveRegistry } from '../../../lib/config/registry-chain.ts'
import { fakeContext } from '../../fakes/context.ts'
import { sourcesOf } from '../../topics/config.ts'

describe('reachFromHere', () => {
  const sources = sourcesOf([{ name: 'dev-local-registry', running: true, hostPort: 5051, ip: '172.18.0.3' }], 'dev')

  it.each([
    ['172.18.0.3', { host: 'localhost', port: 5051, external: false }],
    ['172.18.0.9', { host: '172.18.0.9', port: 5000, external: true }],
  ])('knows whether %s is the address of the container', async (host, expected) =>
    expect(await reachFromHere({ host, port: 5000 }, 'dev', sources)).toEqual(expected),
  )

  it('uses the machine of a remote docker', async () => {
    const remote = { ...sources, dockerHost: async () => 'build.example.com' }
    expect(await reachFromHere({ host: 'dev-local-registry', port: 5000 }, 'dev', remote)).toEqual({
      host: 'build.example.com',
      port: 5051,
      external: true,
    })
  })
})

describe('the registry chain', () => {
  it('tells every place that it looked at, and why', async () => {
    const ctx = fakeContext()
    const project = await loadProject({ name: 'dev' }, ctx)
    const error = await resolveRegistry({ project }, sourcesOf('unreachable', 'dev'), ctx).catch((it: unknown) => it)
    expect(isKsailError(error, 'unresolved') && error.details).toEqual([
      '1. the oci:// reference on the command line: not set',
      '2. --registry or KSAIL_REGISTRY: not set',
      '3. spec.cluster.localRegistry: not set',
      '4. the GitOps source in the cluster: the cluster reads no registry',
      '5. the registry beside the cluster: docker does not answer',
    ])
  })
})
