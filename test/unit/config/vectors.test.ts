import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isKsailError, KsailError } from '../../../lib/base/errors.ts'
import { readRegistry } from '../../../lib/config/expand.ts'
import { reachFromHere, type HostSources } from '../../../lib/config/host.ts'
import { loadProject, sourceFolder } from '../../../lib/config/project.ts'
import { resolveRegistry, type Sources } from '../../../lib/config/registry-chain.ts'
import { chooseTag } from '../../../lib/config/tag.ts'
import { parseClusterUrl } from '../../../lib/base/reference.ts'
import { sourceFor } from '../../../lib/engines/flux/source.ts'
import { chooseRegistry } from '../../../lib/registry/choose.ts'
import { fakeContext } from '../../fakes/context.ts'
import { nulls, outcome, vectors } from '../../fakes/vectors.ts'

interface Docker {
  name: string
  running: boolean
  hostPort: number | null
  ip?: string
  labels?: Record<string, string>
}

const sourcesOf = (
  docker: Docker[] | 'unreachable',
  cluster: string,
  gitops: Record<string, { url: string; tag?: string; secret?: { host: string; username: string; password: string } }> = {},
): Sources => {
  const containers = () => {
    if (docker === 'unreachable') throw new KsailError('unreachable', 'docker does not answer')
    return docker.map((it) => ({
      ...it,
      labels: it.labels ?? {},
      port: it.hostPort ?? undefined,
      addresses: it.ip === undefined ? [] : [it.ip],
    }))
  }
  const resource = ['FluxInstance', 'OCIRepository', 'Application'].find((kind) => gitops[kind] !== undefined)
  return {
    cluster: async () =>
      resource === undefined
        ? undefined
        : { ...gitops[resource]!, tag: gitops[resource]!.tag ?? undefined, resource: `${resource}/flux-system/flux` },
    registry: async () => chooseRegistry(containers(), cluster),
    container: async (name) => containers().find((it) => it.name === name),
    dockerHost: async () => 'localhost',
  }
}

describe.each([
  ['registry-flag', '--registry'],
  ['registry-config', 'spec.cluster.localRegistry'],
])('%s', (table, setting) => {
  it.each(vectors(table))('$name', async ({ input, expected }) => {
    const ctx = fakeContext()
    const read = () => readRegistry(input.text, setting, { env: input.env ?? {}, secrets: ctx.secrets }) ?? null
    const named = ({ message }: KsailError) =>
      expected.error === 'unset' ? { variable: / variable (\w+),/.exec(message)?.[1], setting: message.split(' ')[0] } : {}
    expect(await outcome(read, named)).toEqual(expected)
  })
})

describe('tag-chain', () => {
  it.each(vectors('tag-chain'))('$name', ({ input, expected }) => {
    const { tag, from } = chooseTag({
      argument: input.argumentTag ?? undefined,
      flag: input.flagTag ?? undefined,
      config: input.workloadTag ?? undefined,
      registry: input.registryTag ?? undefined,
    })
    expect({ tag, source: from }).toEqual(expected)
  })
})

describe('host-translation', () => {
  it.each(vectors('host-translation'))('$name', async ({ input, expected }) => {
    expect(await outcome(() => reachFromHere(parseClusterUrl(input.url), input.cluster, sourcesOf(input.docker, input.cluster)))).toEqual(
      expected,
    )
  })

  const address: HostSources = sourcesOf([{ name: 'dev-local-registry', running: true, hostPort: 5051, ip: '172.18.0.3' }], 'dev')
  it('knows the address of the container', async () => {
    expect(await reachFromHere({ host: '172.18.0.3', port: 5000 }, 'dev', address)).toEqual({
      host: 'localhost',
      port: 5051,
      external: false,
    })
    expect(await reachFromHere({ host: '172.18.0.9', port: 5000 }, 'dev', address)).toEqual({
      host: '172.18.0.9',
      port: 5000,
      external: true,
    })
  })
  it('uses the machine of a remote docker', async () => {
    expect(
      await reachFromHere({ host: 'dev-local-registry', port: 5000 }, 'dev', { ...address, dockerHost: async () => 'build.example.com' }),
    ).toEqual({ host: 'build.example.com', port: 5051, external: true })
  })
})

describe('flux-source', () => {
  it.each(vectors('flux-source'))('$name', ({ input, expected }) => {
    expect(nulls(sourceFor(input.cluster, { ...input.target, port: input.target.port ?? undefined }))).toEqual(expected)
  })
})

describe('source-directory', () => {
  it.each(vectors('source-directory'))('$name', async ({ input, expected }) => {
    const ctx = fakeContext()
    writeFileSync(join(ctx.cwd, 'ksail.yaml'), JSON.stringify({ spec: { workload: { sourceDirectory: input.config } } }))
    expect(sourceFolder(input.flag ?? undefined, await loadProject({}, ctx), ctx)).toBe(join(ctx.cwd, expected))
  })
})

describe('registry-chain', () => {
  it.each(vectors('registry-chain'))('$name', async ({ input, expected }) => {
    const ctx = fakeContext({ env: input.env ?? {} })
    const workload = { sourceDirectory: input.sourceDirectory, tag: input.workloadTag }
    writeFileSync(
      join(ctx.cwd, 'ksail.yaml'),
      JSON.stringify({ metadata: { name: input.cluster }, spec: { cluster: { localRegistry: input.config }, workload } }),
    )
    const run = async () => {
      const project = await loadProject({ registry: input.flag, tag: input.flagTag }, ctx)
      const { reference, username, registryFrom, warnings } = await resolveRegistry(
        { ref: input.argument, project },
        sourcesOf(input.docker ?? [], input.cluster, input.gitops),
        ctx,
      )
      const { digest: _, ...where } = reference
      const told = warnings.length === 0 ? {} : { warnings: warnings.map((text) => (/5050.*port 5051/.test(text) ? 'port-differs' : text)) }
      return { ...where, username, source: registryFrom, ...told }
    }
    expect(await outcome(run)).toEqual(expected)
  })

  it('tells every place that it looked at, and why', async () => {
    const ctx = fakeContext()
    const project = await loadProject({ name: 'dev' }, ctx)
    const error = await resolveRegistry({ project }, sourcesOf('unreachable', 'dev'), ctx).catch((it: unknown) => it)
    expect(isKsailError(error, 'unresolved') && error.details).toEqual([
      '1. the oci:// reference on the command line: not set',
      '2. --registry or KSAIL_REGISTRY: not set',
      '3. spec.cluster.localRegistry: not set',
      '4. the GitOps source in the cluster: the cluster reads no registry',
      '5. the registry container of the cluster: docker does not answer',
    ])
  })
})
