import { dirname } from 'node:path'
import { ExecError } from '../base/errors.ts'
import type { Context } from '../base/context.ts'
import type { Tool } from '../base/tool.ts'
import { run } from './run.ts'

export const tool: Tool = {
  name: 'oras',
  summary: 'moves OCI artifacts',
  accepts: '>=1.3 <2',
  version: ['version'],
  home: 'https://oras.land',
}

/** How a registry is spoken to. */
export interface Access {
  readonly plainHttp?: boolean | undefined
  /** A Docker configuration file with the credentials; undefined: the user's own. */
  readonly config?: string | undefined
  /** Milliseconds for the call. */
  readonly timeout?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** Called when the child runs. */
  readonly onStart?: (() => void) | undefined
}

const RESOLVE = 30_000
const MOVE = 90_000

const flags = ({ plainHttp, config }: Access, side = ''): string[] => [
  ...(plainHttp === true ? [`--${side}plain-http`] : []),
  ...(config === undefined ? [] : [`--${side}registry-config`, config]),
]

const limits = ({ timeout, signal, onStart }: Access, usual: number) => ({
  onStart,
  timeout: Math.min(timeout ?? usual, usual === RESOLVE ? RESOLVE : Infinity),
  signal,
})

/** The digest that `host/repository:tag` names now; undefined when there is no such tag or repository. */
export const resolve = async (ctx: Context, reference: string, access: Access): Promise<string | undefined> => {
  try {
    return (await run(ctx, tool, ['resolve', reference, ...flags(access)], limits(access, RESOLVE))).stdout.trim()
  } catch (error) {
    if (error instanceof ExecError && /failed to resolve digest: .*: not found/i.test(error.result.stderr)) return undefined
    throw error
  }
}

/** Sends what is missing of an image layout and moves the tags, in the order given. */
export const copyLayout = (
  ctx: Context,
  layout: { readonly folder: string; readonly digest: string },
  repository: string,
  tags: readonly string[],
  access: Access,
) =>
  run(
    ctx,
    tool,
    [
      'cp',
      '--no-tty',
      '--from-oci-layout',
      `${layout.folder}@${layout.digest}`,
      `${repository}:${tags.join(',')}`,
      ...flags(access, 'to-'),
    ],
    {
      ...limits(access, MOVE),
      cwd: dirname(layout.folder),
    },
  )

/** Fetches an artifact by digest into an image layout. */
export const copyToLayout = (ctx: Context, from: string, folder: string, access: Access) =>
  run(ctx, tool, ['cp', '--no-tty', from, '--to-oci-layout', `${folder}:fetched`, ...flags(access, 'from-')], limits(access, MOVE))

/** Copies an artifact by digest from one repository to another, byte for byte, and moves the tags there. */
export const copyAcross = (ctx: Context, from: string, to: string, sides: { readonly from: Access; readonly to: Access }) =>
  run(ctx, tool, ['cp', '--no-tty', from, to, ...flags(sides.from, 'from-'), ...flags(sides.to, 'to-')], limits(sides.to, MOVE))

/** The tags of a repository; undefined when there is no such repository. */
export const listTags = async (ctx: Context, repository: string, access: Access): Promise<readonly string[] | undefined> => {
  try {
    const { stdout } = await run(
      ctx,
      tool,
      ['repo', 'tags', '--format', 'json', '--exclude-digest-tags', repository, ...flags(access)],
      limits(access, RESOLVE),
    )
    return (JSON.parse(stdout) as { tags: string[] | null }).tags ?? []
  } catch (error) {
    if (error instanceof ExecError && /not found|name[ _]unknown|repository name not known/i.test(error.result.stderr)) return undefined
    throw error
  }
}
