import { formatCommand } from '../io/exec.ts'
import { exportWords } from '../tools/flux.ts'
import { connect } from '../tools/kube.ts'
import type { Engine } from './engine.ts'
import { readSource } from './flux/source.ts'

const shown = (components: readonly string[]): string => formatCommand('flux', exportWords(components))

/** Flux reads an OCI artifact and applies it. What only create or only a wait needs is loaded by them: a push that changes nothing pays for neither. */
export const flux: Engine = {
  summary: 'Flux',
  follows: true,
  controllers: {
    pods: {
      shown,
      tools: ['flux', 'kubectl'],
      manifests: async (ctx, target, options) => (await import('./flux/install.ts')).installManifests(ctx, target, options),
    },
    processes: {
      shown,
      // its kinds can be made without the flux command
      tools: ['kubectl', 'source-controller', 'kustomize-controller'],
      makers: ['flux', 'controller-gen'],
      manifests: async (ctx, _target, { components }) => (await import('./flux/kinds.ts')).kindManifests(ctx, components),
    },
  },
  components: async (ctx, target) => (await import('./flux/components.ts')).componentsOf(ctx, target),
  sync: async (ctx, target, options) => (await import('./flux/sync.ts')).syncManifests(ctx, target, options),
  source: async (ctx, target, kube, options) => {
    const api = kube ?? (await connect(ctx, target))
    try {
      return await readSource(api, options)
    } finally {
      if (kube === undefined) await api.close()
    }
  },
  applied: async (kube, reads) => (await import('./flux/applied.ts')).readApplied(kube, reads),
  reconcile: async (ctx, target, options) => {
    const api = options.kube ?? (await connect(ctx, target))
    try {
      const { waitForDigest } = await import('./flux/wait/run.ts')
      return await waitForDigest(ctx, target, api, options)
    } finally {
      if (options.kube === undefined) await api.close()
    }
  },
}
