import { connect } from '../tools/kube.ts'
import type { Engine } from './engine.ts'
import { componentsOf } from './flux/components.ts'
import { installManifests } from './flux/install.ts'
import { readSource } from './flux/source.ts'
import { syncManifests } from './flux/sync.ts'
import { waitForDigest } from './flux/wait/run.ts'

/** Flux reads an OCI artifact and applies it. */
export const flux: Engine = {
  summary: 'Flux',
  tools: ['flux', 'kubectl'],
  components: componentsOf,
  manifests: installManifests,
  sync: syncManifests,
  source: async (ctx, target, kube) => {
    const api = kube ?? (await connect(ctx, target))
    try {
      return await readSource(api)
    } finally {
      if (kube === undefined) await api.close()
    }
  },
  reconcile: async (ctx, target, options) => {
    const api = options.kube ?? (await connect(ctx, target))
    try {
      return await waitForDigest(ctx, target, api, options)
    } finally {
      if (options.kube === undefined) await api.close()
    }
  },
}
