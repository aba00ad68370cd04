import type { Answer } from './call.ts'
import { createFlux } from './flux-controllers.ts'
import type { Engine } from './engine.ts'
import { createObjects, parseManifests, type Objects } from './objects.ts'
import { recorded } from './recorded.ts'

/** A cluster that kind made: its API is served some time after its node runs. */
export interface Cluster {
  readonly name: string
  /** Port of the API on this machine. */
  readonly port: number
  readonly objects: Objects
  /** The controllers look at what has changed. */
  look(): void
  /** Settles when the API is served: true; false when its node went before. */
  readonly served: Promise<boolean>
  serve(): void
  /** Server-side apply from inside the node, which waits for the API. */
  apply(yaml: string, manager: string): Promise<Answer>
  end(): void
}

/** Kinds that a cluster serves from the beginning. */
const BUILTIN = [
  'v1/nodes',
  'v1/namespaces',
  'v1/configmaps',
  'v1/secrets',
  'v1/pods',
  'v1/events',
  'apps/v1/deployments',
  'apps/v1/replicasets',
  'apps/v1/statefulsets',
  'apps/v1/daemonsets',
  'batch/v1/jobs',
]

export const createCluster = (engine: Engine, name: string, port: number): Cluster => {
  let settle: (served: boolean) => void = () => undefined
  const served = new Promise<boolean>((resolve) => void (settle = resolve))
  const objects = createObjects(BUILTIN)
  const flux = createFlux(engine, objects)
  return {
    name,
    port,
    objects,
    look: flux.look,
    served,
    serve: () => {
      for (const namespace of ['default', 'kube-system', 'kube-public', 'kube-node-lease'])
        objects.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
      objects.put({ apiVersion: 'v1', kind: 'Node', metadata: { name: `${name}-control-plane` } })
      settle(true)
    },
    apply: async (yaml, manager) => {
      // what ran in a node that is gone was killed with it
      if (!(await served)) return { code: 137 }
      const lines: string[] = []
      for (const object of parseManifests(yaml)) {
        if (!objects.serves(object))
          return { code: 1, stderr: recorded('kubectl/apply-no-kind.txt', { kind: object.kind, version: object.apiVersion }) }
        objects.put(object, manager)
        const [group = ''] = object.apiVersion.includes('/') ? object.apiVersion.split('/') : []
        lines.push(`${object.kind.toLowerCase()}${group === '' ? '' : `.${group}`}/${object.metadata.name} serverside-applied\n`)
      }
      flux.look()
      return { stdout: lines.join('') }
    },
    end: () => {
      settle(false)
      flux.end()
    },
  }
}
