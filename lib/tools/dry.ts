import { isKsailError } from '../base/errors.ts'
import type { Context } from '../base/context.ts'
import type { Tool } from '../base/tool.ts'
import { tools, type ToolName } from './index.ts'
import { createLocate } from './locate.ts'
import { needTools } from './need.ts'

/** The same context for those who only look: a tool that is neither on PATH nor in the cache stays missing, nothing is fetched or built. */
export const lookingOnly = (ctx: Context): Context => ({
  ...ctx,
  locate: createLocate(ctx, async (tool) => (await import('./install/steps.ts')).installSteps(ctx, tool).slice(0, 1)),
})

/** How a tool that is missing would be got, and where; undefined: not at all. */
const howToGet = async (ctx: Context, { name }: Tool): Promise<string | undefined> => {
  const [{ pinned }, { slotOf, hasGo }] = await Promise.all([import('./install/pins.ts'), import('./install/go.ts')])
  const wanted = ctx.env['KSAIL_OFFLINE'] === '1' ? undefined : pinned(name)
  if (wanted !== undefined) {
    const { shownPlaceOf } = await import('./install/download.ts')
    return `${name} ${wanted.slot.version} would be downloaded first, from ${shownPlaceOf(ctx, wanted)}`
  }
  return (await slotOf(name)) !== undefined && (await hasGo(ctx)) ? `${name} would be built with go first` : undefined
}

const isThere = async (looking: Context, tool: Tool): Promise<boolean> => {
  try {
    await looking.locate(tool)
    return true
  } catch (error) {
    if (!isKsailError(error, 'tool')) throw error
    return false
  }
}

/** What would be got first of the tools that are needed, in words. Those that could not be got fail as in a real run, together. */
export const previewTools = async (ctx: Context, looking: Context, names: readonly ToolName[]): Promise<string[]> => {
  const gets: string[] = []
  const nowhere: ToolName[] = []
  for (const name of new Set(names)) {
    if (await isThere(looking, tools[name])) continue
    const how = await howToGet(ctx, tools[name])
    if (how === undefined) nowhere.push(name)
    else gets.push(how)
  }
  await needTools(ctx, nowhere)
  return gets
}

/** The same where one of several tools is enough: the first that is there, or could be got. */
export const previewOneOf = async (ctx: Context, looking: Context, names: readonly ToolName[]): Promise<readonly string[]> => {
  for (const name of names) {
    if (await isThere(looking, tools[name])) return []
    const how = await howToGet(ctx, tools[name])
    if (how !== undefined) return [how]
  }
  await needTools(ctx, names.slice(0, 1))
  return []
}
