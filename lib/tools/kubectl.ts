import type { Context } from '../base/context.ts'
import type { Child, ExecOptions } from '../base/exec.ts'
import type { Tool } from '../base/tool.ts'
import { stampOf } from './locate.ts'
import { run } from './run.ts'

export const tool: Tool = {
  name: 'kubectl',
  summary: 'talks to clusters',
  accepts: '>=1.33 <2',
  version: ['version', '--client'],
  home: 'https://kubernetes.io/docs/tasks/tools/',
  failures: [
    {
      match: /connection refused|Unable to connect to the server|i\/o timeout|no such host|TLS handshake timeout/i,
      code: 'unreachable',
      message: 'the cluster does not answer',
      hint: 'run ksail cluster info to see what is down, ksail cluster start to start it',
    },
    { match: /context .* does not exist|no context exists/i, code: 'unreachable', hint: 'run ksail cluster create, or pass --context' },
    {
      match: /You must be logged in|Unauthorized|getting credentials: exec/i,
      code: 'auth',
      message: 'the cluster refuses these credentials',
      hint: 'sign in to the cluster again, or pass another --context',
    },
  ],
}

/** The file and the context that every call names, so that it never lands in another cluster. */
export interface Access {
  readonly kubeconfig: string
  readonly context: string
}

const access = ({ kubeconfig, context }: Access): readonly string[] => ['--kubeconfig', kubeconfig, '--context', context]

/** Server-side apply of what stands on stdin. */
export const applyWords = (manager: string): readonly string[] => [
  'apply',
  '--server-side',
  '--force-conflicts',
  `--field-manager=${manager}`,
  '-f',
  '-',
]

/** Serves the API of a cluster on a unix socket until it is stopped. */
export const startProxy = async (ctx: Context, to: Access, socket: string, onLine: (line: string) => void): Promise<Child> =>
  ctx.spawn(await ctx.locate(tool), ['proxy', ...access(to), `--unix-socket=${socket}`], { onLine })

/** Changes whenever another program builds kustomizations: what one has judged another may judge differently. */
export const builderStamp = async (ctx: Context): Promise<string> => stampOf(await ctx.locate(tool))

/** Builds a kustomization on this machine; needs no cluster. */
export const buildKustomization = async (ctx: Context, folder: string, options: ExecOptions = {}): Promise<string> =>
  (await run(ctx, tool, ['kustomize', folder], { timeout: 60_000, ...options })).stdout

/** Makes a context the current one; undefined: none is. Other entries stay as they are. */
export const setCurrentContext = async (ctx: Context, kubeconfig: string, context: string | undefined): Promise<void> =>
  void (await run(
    ctx,
    tool,
    ['config', '--kubeconfig', kubeconfig, ...(context === undefined ? ['unset', 'current-context'] : ['use-context', context])],
    { timeout: 20_000 },
  ))
