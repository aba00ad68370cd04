import { writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { KsailError } from '../../lib/base/errors.ts'
import { parseClusterUrl } from '../../lib/base/reference.ts'
import { readRegistry } from '../../lib/config/expand.ts'
import { reachFromHere } from '../../lib/config/host.ts'
import { loadProject, sourceFolder } from '../../lib/config/project.ts'
import { resolveRegistry, type Sources } from '../../lib/config/registry-chain.ts'
import { chooseTag } from '../../lib/config/tag.ts'
import { chooseRegistry } from '../../lib/registry/choose.ts'
import { fakeContext } from '../fakes/context.ts'
import { given, gives, type Topic } from './topic.ts'

/** A container as tables write it. */
export interface DockerRow {
  readonly name: string
  readonly running: boolean
  readonly hostPort: number | null
  readonly ip?: string
  readonly labels?: Record<string, string>
}

type Gitops = Record<string, { url: string; tag?: string; secret?: { host: string; username: string; password: string } }>

/** What the chain asks, answered from a table. */
export const sourcesOf = (docker: readonly DockerRow[] | 'unreachable', cluster: string, gitops: Gitops = {}): Sources => {
  const containers = () => {
    if (docker === 'unreachable') throw new KsailError('unreachable', 'docker does not answer')
    return docker.map((it) => ({ ...it, labels: it.labels ?? {}, port: given(it.hostPort), addresses: it.ip === undefined ? [] : [it.ip] }))
  }
  const kind = ['FluxInstance', 'OCIRepository', 'Application'].find((it) => gitops[it] !== undefined)
  return {
    cluster: async () =>
      kind === undefined ? undefined : { ...gitops[kind]!, tag: given(gitops[kind]!.tag), resource: `${kind}/flux-system/flux` },
    registry: async () => chooseRegistry(containers(), cluster),
    container: async (name) => containers().find((it) => it.name === name),
    dockerHost: async () => 'localhost',
  }
}

const registrySetting = (setting: string): Topic =>
  gives(
    ({ text, env = {} }) => readRegistry(text, setting, { env, secrets: new Set() }),
    ({ reason, message }) =>
      reason === 'unset' ? { variable: / variable (\w+),/.exec(message)?.[1], setting: message.split(' ')[0] } : {},
  )

/** The whole way from ksail.yaml, flags and variables to the destination. */
const chain: Topic = gives(
  async ({ cluster, config, env = {}, flag, flagTag, argument, docker = [], gitops, sourceDirectory, workloadTag }) => {
    const ctx = fakeContext({ env })
    const spec = { cluster: { localRegistry: config }, workload: { sourceDirectory, tag: workloadTag } }
    writeFileSync(join(ctx.cwd, 'ksail.yaml'), JSON.stringify({ metadata: { name: cluster }, spec }))
    const project = await loadProject({ registry: flag, tag: flagTag }, ctx)
    const { reference, username, registryFrom, warnings } = await resolveRegistry(
      { ref: argument, project },
      sourcesOf(docker, cluster, gitops),
      ctx,
    )
    const { digest: _, ...where } = reference
    const told = warnings.map((text) => (/:\d+ is configured, but .* listens on port \d+/.test(text) ? 'port-differs' : text))
    return { ...where, username, source: registryFrom, ...(told.length === 0 ? {} : { warnings: told }) }
  },
)

export const configTopics = {
  'registry-flag': registrySetting('--registry'),
  'registry-config': registrySetting('spec.cluster.localRegistry'),
  'registry-chain': chain,
  'tag-chain': gives(({ argumentTag, flagTag, workloadTag, registryTag }) => {
    const places = { argument: given(argumentTag), flag: given(flagTag), config: given(workloadTag), registry: given(registryTag) }
    const { tag, from } = chooseTag(places as Parameters<typeof chooseTag>[0])
    return { tag, source: from }
  }),
  'host-translation': gives(({ url, cluster, docker }) => reachFromHere(parseClusterUrl(url), cluster, sourcesOf(docker, cluster))),
  'source-directory': gives(async ({ flag, config }) => {
    const ctx = fakeContext()
    writeFileSync(join(ctx.cwd, 'ksail.yaml'), JSON.stringify({ spec: { workload: { sourceDirectory: config } } }))
    return relative(ctx.cwd, sourceFolder(given(flag), await loadProject({}, ctx), ctx))
  }),
} satisfies Record<string, Topic>
