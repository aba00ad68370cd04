import type { Step } from '../../base/chain.ts'
import type { Context } from '../../base/context.ts'
import type { Tool } from '../../base/tool.ts'
import { cached } from './cache.ts'
import { download } from './download.ts'
import { buildWithGo, hasGo, slotOf } from './go.ts'
import { pinned } from './pins.ts'

/** Where a program is looked for, or got, when PATH has none: the cache, its pinned release, an installed Go toolchain. */
export const installSteps = (ctx: Context, { name }: Tool): readonly Step<unknown, string>[] => [
  {
    name: 'cache',
    find: async (_, miss) => {
      for (const slot of [pinned(name)?.slot, await slotOf(name)]) {
        const path = slot === undefined ? undefined : await cached(ctx, slot)
        if (path !== undefined) return path
      }
      return miss(`${name} is not in the cache`)
    },
  },
  { name: 'download', find: (_, miss) => download(ctx, name, miss) },
  {
    name: 'go',
    find: async (_, miss) => {
      if ((await slotOf(name)) === undefined) return miss(`ksail has no recipe to build ${name}`)
      if (!(await hasGo(ctx))) return miss('no go on PATH, from https://go.dev/dl/')
      return buildWithGo(ctx, name)
    },
  },
]
