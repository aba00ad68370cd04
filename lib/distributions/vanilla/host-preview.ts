import { formatCommand } from '../../io/exec.ts'
import { hasContextNamed } from '../../io/kubeconfig.ts'
import { components, isComponent, type ComponentName } from '../../providers/host/components.ts'
import { componentsOf, type ControlOptions } from '../../providers/host/control.ts'
import { previewComponent, previewEnd, previewRemoval } from '../../providers/host/preview.ts'
import { SIMULATORS } from '../../providers/host/simulated.ts'
import { unitOf } from '../../providers/host/unit.ts'
import type { Context } from '../../base/context.ts'
import { applyWords } from '../../tools/kubectl.ts'
import type { Commands, NodesPreview } from '../preview.ts'

/** Components that every cluster has. */
const BASE: readonly ComponentName[] = ['etcd', 'kube-apiserver', 'kube-controller-manager']
/** In the order in which they may miss each other. */
const ALL = (Object.keys(components) as readonly ComponentName[]).filter((name) => name !== 'registry').toReversed()

const starts = async (ctx: Context, cluster: string, names: readonly ComponentName[], options: ControlOptions = {}): Promise<Commands> => {
  const unit = unitOf(ctx, cluster, 'control-plane')
  const found = await Promise.all(names.map((name) => previewComponent(ctx, unit, name, options)))
  return found.filter(({ running }) => !running).map(({ command }) => command)
}

/** What the processes of a control plane would be started with. */
export const hostPreview = (contextOf: (name: string) => string): NodesPreview => ({
  make: (ctx, { name, workers = 0 }) => starts(ctx, name, [...BASE, ...(workers > 0 ? SIMULATORS : [])], { workers }),
  names: async () => [],
  adopt: async (ctx, { name }) => starts(ctx, name, await componentsOf(unitOf(ctx, name, 'control-plane'))),
  apply: ({ kubeconfig, context }, manager) =>
    formatCommand('kubectl', ['--kubeconfig', kubeconfig, '--context', context, ...applyWords(manager)]),
  controllers: (ctx, { name, fluxProfile: profile }, names) => starts(ctx, name, names.filter(isComponent), { profile }),
  start: async (ctx, name) => starts(ctx, name, await componentsOf(unitOf(ctx, name, 'control-plane'))),
  stop: (ctx, name) => previewEnd(ctx, unitOf(ctx, name, 'control-plane'), ALL),
  remove: async (ctx, name, kubeconfig) => {
    const unit = unitOf(ctx, name, 'control-plane')
    const context = contextOf(name)
    const entry = await hasContextNamed(kubeconfig, context)
    return [
      ...(await previewEnd(ctx, unit, ALL)),
      ...(await previewRemoval(unit)),
      ...(entry
        ? ['context', 'cluster', 'user'].map((what) =>
            formatCommand('kubectl', ['config', '--kubeconfig', kubeconfig, `delete-${what}`, context]),
          )
        : []),
    ]
  },
})
