import { KsailError } from '../base/errors.ts'
import type { Engine } from './engine.ts'

/** No engine: the cluster reads nothing by itself. */
export const none: Engine = {
  summary: 'no GitOps engine',
  tools: [],
  components: async () => [],
  manifests: async () => '',
  sync: async () => '',
  source: async () => undefined,
  reconcile: async (_ctx, target) => {
    throw new KsailError('config', `cluster ${target.name} has no GitOps engine that could reconcile`, {
      hint: 'set spec.cluster.gitOpsEngine to Flux and run ksail cluster create',
    })
  },
}
