import { isKsailError, KsailError } from '../base/errors.ts'
import type { Context } from '../base/context.ts'
import { tools, type ToolName } from './index.ts'

/** Places that say no more than that the tool is missing. */
const SILENT = /: (not set|\S+ is not in the cache|no \S+ in .*)$/

const placesOf = ({ details }: KsailError): readonly string[] =>
  details.filter((line) => !SILENT.test(line)).map((line) => line.replace(/^\s*\d+\. /, ''))

/**
 * Looks for tools together, before anything is made. Throws `tool`; when several are missing, one line for each says where it was not
 * found, so that nobody installs one after the other.
 */
export const needTools = async (ctx: Pick<Context, 'locate'>, names: readonly ToolName[]): Promise<void> => {
  const wanted = [...new Set(names)]
  const results = await Promise.allSettled(wanted.map((name) => ctx.locate(tools[name])))
  const failed = results.flatMap((result, index) =>
    result.status === 'rejected' ? [{ name: wanted[index] as ToolName, error: result.reason as unknown }] : [],
  )
  const missing = failed.flatMap(({ name, error }) => (isKsailError(error, 'tool') ? [{ name, error }] : []))
  const other = failed.find(({ error }) => !isKsailError(error, 'tool'))
  if (other !== undefined) throw other.error
  if (missing.length === 1) throw missing[0]?.error
  if (missing.length === 0) return
  const places = missing.map(({ error }) => placesOf(error))
  // what holds for all of them is said once
  const common = (places[0] ?? []).filter((line) => places.every((list) => list.includes(line)))
  throw new KsailError('tool', `${missing.length} tools are needed that are not here`, {
    details: [
      ...missing.map(({ name }, index) =>
        [`${name} (${tools[name].summary})`, ...(places[index] ?? []).filter((line) => !common.includes(line))].join('; '),
      ),
      ...common,
    ],
    hint: 'install them, or set KSAIL_TOOL_<NAME> to the path of each',
  })
}
