import { isKsailError } from '../base/errors.ts'
import type { Context } from '../base/context.ts'
import type { Tool } from '../base/tool.ts'
import { createLocate } from './locate.ts'

/** The same context for those who only look: a tool that is neither on PATH nor in the cache stays missing, nothing is fetched or built. */
export const lookingOnly = (ctx: Context): Context => ({
  ...ctx,
  locate: createLocate(ctx, async (tool) => (await import('./install/steps.ts')).installSteps(ctx, tool).slice(0, 1)),
})

/** How a tool that is missing would be got; undefined: it is there. Where it could not be got this fails as getting it would. */
export const howToGet = async (ctx: Context, looking: Context, tool: Tool): Promise<string | undefined> => {
  try {
    await looking.locate(tool)
    return undefined
  } catch (error) {
    if (!isKsailError(error, 'tool')) throw error
  }
  const [{ pinned }, { slotOf, hasGo }] = await Promise.all([import('./install/pins.ts'), import('./install/go.ts')])
  if (ctx.env['KSAIL_OFFLINE'] !== '1' && pinned(tool.name) !== undefined) return `${tool.name} would be downloaded first`
  if ((await slotOf(tool.name)) !== undefined && (await hasGo(ctx))) return `${tool.name} would be built with go first`
  await ctx.locate(tool)
  return undefined
}
