import { KsailError } from '../base/errors.ts'
import type { Controllers, Engine } from './engine.ts'

const nothing: Controllers = { tools: [], manifests: async () => '', shown: () => '' }

/** No engine: the cluster reads nothing by itself. */
export const none: Engine = {
  summary: 'no GitOps engine',
  follows: false,
  controllers: { pods: nothing, processes: nothing },
  components: async () => [],
  sync: async () => '',
  source: async () => undefined,
  reconcile: async (_ctx, target) => {
    throw new KsailError('config', `cluster ${target.name} has no GitOps engine that could reconcile`, {
      hint: 'set spec.cluster.gitOpsEngine to Flux and run ksail cluster create',
    })
  },
}
