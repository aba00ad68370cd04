import { previewComponent, previewEnd, previewRemoval } from '../providers/host/preview.ts'
import { FIRST_PORT } from '../providers/host/registry.ts'
import { unitOf } from '../providers/host/unit.ts'
import type { RegistryPreview } from './preview.ts'

const NAME = 'registry'

/** What the registry process would run. */
export const processPreview: RegistryPreview = {
  ensure: async (ctx, { cluster, port, recorded }) => {
    const unit = unitOf(ctx, cluster, NAME)
    const found = await previewComponent(ctx, unit, NAME, { only: port, from: recorded ?? FIRST_PORT })
    const moves = port !== undefined && found.running && found.ports[NAME] !== port
    return {
      port: found.ports[NAME],
      commands: [...(moves ? await previewEnd(ctx, unit, [NAME]) : []), ...(found.running ? [] : [found.command])],
    }
  },
  links: async () => [],
  start: async (ctx, cluster) => {
    const { running, command } = await previewComponent(ctx, unitOf(ctx, cluster, NAME), NAME, {})
    return running ? [] : [command]
  },
  stop: (ctx, cluster) => previewEnd(ctx, unitOf(ctx, cluster, NAME), [NAME]),
  remove: async (ctx, { cluster, keepStorage }) => {
    const unit = unitOf(ctx, cluster, NAME)
    return [...(await previewEnd(ctx, unit, [NAME])), ...(keepStorage ? [] : await previewRemoval(unit))]
  },
}
