import { createHash } from 'node:crypto'
import { stringify } from 'yaml'
import type { Context } from '../base/context.ts'
import type { Target } from '../base/target.ts'
import type { Runtime } from '../distributions/distribution.ts'
import type { Engine } from '../engines/engine.ts'
import type { ClusterRecord } from '../providers/record.ts'
import { ownerNotice, registryNotice } from './notices.ts'

export interface Sync {
  /** The repository as the engine reads it, for example `oci://dev-local-registry:5000/k8s`, once the port of the local registry is known. */
  readonly url: (port: number | undefined) => string
  /** The repository for people. */
  readonly repository: string
  readonly insecure: boolean
  readonly tag: string
  /** A docker configuration as JSON that the cluster needs to read the repository. */
  readonly pullSecret?: string | undefined
}

/** What the manifests of a cluster are made of. */
export interface Manifested {
  readonly ctx: Context
  readonly target: Target
  readonly record: ClusterRecord
  readonly runtime: Runtime
  readonly engine: Engine
  readonly sync: Sync
  /** Names of the engine's controllers that the start folder needs. */
  readonly components: readonly string[]
}

/** What create applies besides the controllers, as one text, and the fingerprint of all of it. */
export const manifestsOf = async ({ ctx, target, record, engine, sync, components, runtime }: Manifested, port: number | undefined) => {
  const install = await engine.controllers[runtime.controllers.as].manifests(ctx, target, { components })
  const objects = await engine.sync(ctx, target, {
    ...sync,
    url: sync.url(port),
    pullSecret: sync.pullSecret === undefined ? undefined : 'ksail-registry-credentials',
  })
  const secret = sync.pullSecret === undefined ? '' : pullSecret(sync.pullSecret)
  const inside = runtime.registry.url(target.name, port).replace('oci://', '')
  const notice = port === undefined ? '' : registryNotice(port, inside)
  const applied = createHash('sha256').update([install, objects, secret, notice, target.fluxProfile].join('\0')).digest('hex').slice(0, 16)
  const all = [secret, objects, notice, ownerNotice(record, applied)].filter((text) => text.trim() !== '').join('\n---\n')
  return { applied, all }
}

const pullSecret = (config: string): string =>
  stringify({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: 'ksail-registry-credentials',
      namespace: 'flux-system',
      labels: { 'app.kubernetes.io/managed-by': 'ksail', 'ksail.io/credentials': 'pull' },
    },
    type: 'kubernetes.io/dockerconfigjson',
    stringData: { '.dockerconfigjson': config },
  })
