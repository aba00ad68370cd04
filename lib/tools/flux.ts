import type { Context } from '../base/context.ts'
import type { Tool } from '../base/tool.ts'
import { versionOf } from './locate.ts'
import { run } from './run.ts'

export const tool: Tool = {
  name: 'flux',
  summary: 'prints the manifests of the Flux controllers',
  accepts: '>=2.7 <3',
  version: ['version', '--client'],
  home: 'https://fluxcd.io/flux/installation/',
}

/** The words of that call, for those who only want to show them. */
export const exportWords = (components: readonly string[]): readonly string[] => [
  'install',
  '--export',
  `--components=${components.join(',')}`,
  '--network-policy=false',
]

/** The manifests of the named controllers as YAML; needs no cluster. */
export const exportInstall = async (ctx: Context, components: readonly string[]): Promise<string> =>
  (await run(ctx, tool, exportWords(components), { timeout: 60_000 })).stdout

/** The version of the program, as `2.9.4`: what it said when it was found. */
export const version = async (ctx: Context): Promise<string> => (await versionOf(ctx, tool, await ctx.locate(tool))).version
