import type { Context } from '../base/context.ts'
import type { ExecOptions } from '../base/exec.ts'
import type { Tool } from '../base/tool.ts'
import { run } from './run.ts'

export const tool: Tool = {
  name: 'kind',
  summary: 'Kubernetes in containers',
  accepts: '>=0.30 <1',
  version: ['version'],
  home: 'https://kind.sigs.k8s.io',
  failures: [
    {
      match: /Cannot connect to the Docker daemon|failed to list (clusters|nodes)/i,
      code: 'unreachable',
      message: 'docker does not answer',
      hint: 'start Docker, or set DOCKER_HOST to an engine that runs',
    },
    {
      match: /failed to pull image|manifest unknown|pull access denied/i,
      code: 'exec',
      hint: 'name an image that this machine can pull with --node-image or KSAIL_NODE_IMAGE',
    },
    {
      match: /unable to decode config|invalid configuration/i,
      code: 'config',
      hint: 'correct kind.yaml, or the file that spec.cluster.distributionConfig names',
    },
    {
      match: /node\(s\) already exist for a cluster/i,
      code: 'conflict',
      hint: 'another program made this cluster a moment ago: run the command again',
    },
    {
      match: /failed to lock config file|config\.lock: file exists/i,
      code: 'conflict',
      hint: 'another program holds the lock of the kubeconfig; remove the .lock file beside it when none does',
    },
  ],
}

interface CreateOptions extends Pick<ExecOptions, 'onLine' | 'signal'> {
  readonly name: string
  /** YAML of kind.x-k8s.io/v1alpha4. */
  readonly config: string
  /** Where paths in the configuration count from. */
  readonly cwd: string
  readonly kubeconfig: string
  readonly image?: string | undefined
  readonly env?: ExecOptions['env']
}

/** The words of the calls, for those who only want to show them. */
export const words = {
  create: ({ name, kubeconfig, image }: Pick<CreateOptions, 'name' | 'kubeconfig' | 'image'>): readonly string[] => [
    'create',
    'cluster',
    '--name',
    name,
    '--config',
    '-',
    '--kubeconfig',
    kubeconfig,
    '--retain',
    ...(image === undefined ? [] : ['--image', image]),
  ],
  remove: (name: string, kubeconfig: string): readonly string[] => ['delete', 'cluster', '--name', name, '--kubeconfig', kubeconfig],
  exportKubeconfig: (name: string, kubeconfig: string): readonly string[] => [
    'export',
    'kubeconfig',
    '--name',
    name,
    '--kubeconfig',
    kubeconfig,
  ],
}

/** Makes the nodes and returns as soon as they are configured; failed nodes stay, so that their logs can be read. */
export const createCluster = (ctx: Context, { name, config, cwd, kubeconfig, image, ...options }: CreateOptions) =>
  run(ctx, tool, words.create({ name, kubeconfig, image }), { input: config, cwd, timeout: 20 * 60_000, ...options })

/** Removes the nodes of that name and the kubeconfig entry; success when there are none. */
export const deleteCluster = (ctx: Context, name: string, kubeconfig: string) =>
  run(ctx, tool, words.remove(name, kubeconfig), { timeout: 120_000 })

/** Writes the context of a running cluster into a kubeconfig and makes it current. */
export const exportKubeconfig = (ctx: Context, name: string, kubeconfig: string) =>
  run(ctx, tool, words.exportKubeconfig(name, kubeconfig), { timeout: 30_000 })
