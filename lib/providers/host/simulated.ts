import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { Context } from '../../base/context.ts'
import { nodeName, SIMULATED } from '../../base/names.ts'
import { assetRoot } from '../../io/host.ts'
import { applyManifests, manifestsIn, type Api, type ApiPatience } from './api.ts'
import type { ComponentName } from './components.ts'
import { inUnit, type Unit } from './unit.ts'

/** What runs besides when a cluster has simulated nodes. */
export const SIMULATORS: readonly ComponentName[] = ['kube-scheduler', 'kwok']

const nodeManifest = (name: string): string =>
  stringify({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: { [SIMULATED]: 'true', 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', 'node-role.kubernetes.io/worker': '' },
      annotations: { 'node.alpha.kubernetes.io/ttl': '0' },
    },
  })

/** How nodes and pods of the unit behave, written where kwok reads it. */
export const writeStages = (unit: Unit): Promise<void> =>
  copyFile(join(assetRoot(), 'templates', 'host', 'stages.yaml'), inUnit(unit, 'data', 'stages.yaml'))

/** The nodes of a cluster that are none. */
export const applyNodes = (
  ctx: Context,
  api: Api,
  { cluster, count, ...patience }: ApiPatience & { readonly cluster: string; readonly count: number },
): Promise<void> =>
  applyManifests(
    ctx,
    api,
    manifestsIn(Array.from({ length: count }, (_, index) => nodeManifest(nodeName(cluster, 'worker', index + 1))).join('---\n')),
    { manager: 'ksail', ...patience },
  )
