import { join } from 'node:path'
import { isKsailError } from '../base/errors.ts'
import type { Context } from '../base/context.ts'
import type { ExecOptions } from '../base/exec.ts'
import { isLoopback } from '../base/reference.ts'
import type { Tool } from '../base/tool.ts'
import { readJson } from '../io/files.ts'
import { homeFolder } from '../io/folders.ts'
import { run } from './run.ts'

export const tool: Tool = {
  name: 'docker',
  summary: 'container engine that runs the nodes and the registry',
  accepts: '>=20.10 <100',
  version: ['version', '--format', '{{.Client.Version}}'],
  home: 'https://docs.docker.com/get-docker/',
  failures: [
    {
      match: /Cannot connect to the Docker daemon|error during connect|dial unix .*docker|permission denied while trying to connect/i,
      code: 'unreachable',
      message: 'docker does not answer',
      hint: 'start Docker, or set DOCKER_HOST to an engine that runs',
    },
    { match: /port is already allocated|address already in use/i, code: 'conflict', hint: 'free the port, or name another one' },
    { match: /No space left on device/i, code: 'exec', hint: 'free disk space, for example with docker system prune' },
  ],
}

export interface Container {
  readonly id: string
  readonly name: string
  readonly image: string
  readonly running: boolean
  readonly status: string
  readonly created: string
  readonly labels: Readonly<Record<string, string>>
  /** Host port by container port, as `5000/tcp`. Only of a running container. */
  readonly ports: Readonly<Record<string, number>>
  /** Container ports whose host port Docker chooses. */
  readonly wandering: readonly string[]
  /** Address by network. */
  readonly networks: Readonly<Record<string, string>>
  /** Named volumes that are mounted. */
  readonly volumes: readonly string[]
  readonly env: readonly string[]
}

interface Inspected {
  Id: string
  Name: string
  Created: string
  State: { Running: boolean; Status: string }
  Config: { Image: string; Labels: Record<string, string> | null; Env: string[] | null }
  NetworkSettings: { Ports: Record<string, { HostPort: string }[] | null> | null; Networks: Record<string, { IPAddress: string }> | null }
  Mounts: { Type: string; Name?: string }[] | null
  HostConfig?: { PortBindings?: Record<string, { HostPort: string }[] | null> | null }
}

const containerOf = (it: Inspected): Container => ({
  id: it.Id,
  name: it.Name.replace(/^\//, ''),
  image: it.Config.Image,
  running: it.State.Running,
  status: it.State.Status,
  created: it.Created,
  labels: it.Config.Labels ?? {},
  ports: Object.fromEntries(
    Object.entries(it.NetworkSettings.Ports ?? {}).flatMap(([port, hosts]) => (hosts?.[0] ? [[port, Number(hosts[0].HostPort)]] : [])),
  ),
  wandering: Object.entries(it.HostConfig?.PortBindings ?? {}).flatMap(([port, hosts]) =>
    ['', '0'].includes(hosts?.[0]?.HostPort ?? 'none') ? [port] : [],
  ),
  networks: Object.fromEntries(Object.entries(it.NetworkSettings.Networks ?? {}).map(([name, { IPAddress }]) => [name, IPAddress])),
  volumes: (it.Mounts ?? []).flatMap((mount) => (mount.Type === 'volume' && mount.Name ? [mount.Name] : [])),
  env: it.Config.Env ?? [],
})

const docker = (ctx: Context, args: readonly string[], options?: ExecOptions) => run(ctx, tool, args, { timeout: 60_000, ...options })

/** Containers by id or name; those that do not exist are left out. */
export const inspect = async (ctx: Context, names: readonly string[]): Promise<readonly Container[]> => {
  if (names.length === 0) return []
  const { stdout, exitCode, stderr } = await docker(ctx, ['container', 'inspect', ...names], { accept: [0, 1] })
  if (exitCode !== 0 && !/No such container/i.test(stderr)) await docker(ctx, ['container', 'inspect', ...names])
  return (JSON.parse(stdout || '[]') as Inspected[]).map(containerOf)
}

/** All containers that match the filters of `docker ps`, as `label=…` or `name=…`, stopped ones included. */
export const list = async (ctx: Context, ...filters: readonly string[]): Promise<readonly Container[]> => {
  const { stdout } = await docker(ctx, ['ps', '-aq', '--no-trunc', ...filters.flatMap((filter) => ['--filter', filter])])
  return inspect(ctx, stdout.split('\n').filter(Boolean))
}

interface RunOptions {
  readonly name: string
  readonly image: string
  readonly labels: Readonly<Record<string, string>>
  readonly env: Readonly<Record<string, string>>
  readonly publish: string
  readonly volume: string
  readonly args?: readonly string[]
}

const labelFlags = (labels: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(labels).flatMap(([key, value]) => ['--label', `${key}=${value}`])

/** The words of the calls that change something, for those who only want to show them. */
export const words = {
  run: ({ name, image, labels, env, publish, volume, args = [] }: RunOptions): readonly string[] => [
    'run',
    '-d',
    '--name',
    name,
    ...labelFlags(labels),
    ...Object.entries(env).flatMap(([key, value]) => ['-e', `${key}=${value}`]),
    '-p',
    publish,
    '-v',
    volume,
    ...args,
    image,
  ],
  start: (names: readonly string[]): readonly string[] => ['start', ...names],
  stop: (names: readonly string[]): readonly string[] => ['stop', '-t', '10', ...names],
  remove: (names: readonly string[]): readonly string[] => ['rm', '-f', '-v', ...names],
  createVolume: (name: string, labels: Readonly<Record<string, string>>): readonly string[] => [
    'volume',
    'create',
    ...labelFlags(labels),
    name,
  ],
  removeVolume: (name: string): readonly string[] => ['volume', 'rm', name],
  connectNetwork: (network: string, container: string): readonly string[] => ['network', 'connect', network, container],
  removeNetwork: (network: string): readonly string[] => ['network', 'rm', network],
  exec: (container: string, command: readonly string[], input = false): readonly string[] => [
    'exec',
    ...(input ? ['-i'] : []),
    container,
    ...command,
  ],
}

/** Starts a container in the background and returns its id. */
export const start = async (ctx: Context, options: RunOptions): Promise<string> =>
  (await docker(ctx, words.run(options), { timeout: 5 * 60_000 })).stdout.trim()

export const startContainers = async (ctx: Context, names: readonly string[]): Promise<void> => void (await docker(ctx, words.start(names)))
export const stopContainers = async (ctx: Context, names: readonly string[]): Promise<void> =>
  void (await docker(ctx, words.stop(names), { timeout: 120_000 }))

/** Removes containers, running or not, with their anonymous volumes; those that are gone already are no failure. */
export const removeContainers = async (ctx: Context, names: readonly string[]): Promise<void> => {
  if (names.length === 0) return
  const { exitCode, stderr } = await docker(ctx, words.remove(names), { accept: [0, 1] })
  if (exitCode !== 0 && !/No such container|already in progress/i.test(stderr)) await docker(ctx, words.remove(names))
}

export const volumeLabels = async (ctx: Context, name: string): Promise<Readonly<Record<string, string>> | undefined> => {
  const { stdout, exitCode, stderr } = await docker(ctx, ['volume', 'inspect', '--format', '{{json .Labels}}', name], { accept: [0, 1] })
  if (exitCode === 0) return (JSON.parse(stdout) as Record<string, string> | null) ?? {}
  if (!/no such volume/i.test(stderr)) await docker(ctx, ['volume', 'inspect', name])
  return undefined
}

export const createVolume = async (ctx: Context, name: string, labels: Readonly<Record<string, string>>): Promise<void> =>
  void (await docker(ctx, words.createVolume(name, labels)))

export const removeVolume = async (ctx: Context, name: string): Promise<void> => {
  const { exitCode, stderr } = await docker(ctx, words.removeVolume(name), { accept: [0, 1] })
  if (exitCode !== 0 && !/no such volume/i.test(stderr)) await docker(ctx, words.removeVolume(name))
}

/** Attaches a container to a network; false when it was attached already. */
export const connectNetwork = async (ctx: Context, network: string, container: string): Promise<boolean> => {
  const { exitCode, stderr } = await docker(ctx, words.connectNetwork(network, container), { accept: [0, 1] })
  if (exitCode === 0) return true
  if (/already exists in network|already attached/i.test(stderr)) return false
  await docker(ctx, words.connectNetwork(network, container))
  return true
}

export const networkExists = async (ctx: Context, network: string): Promise<boolean> =>
  (await docker(ctx, ['network', 'inspect', '--format', '{{.Id}}', network], { accept: [0, 1] })).exitCode === 0

/** Removes a network; false when containers still use it. */
export const removeNetwork = async (ctx: Context, network: string): Promise<boolean> => {
  const { exitCode, stderr } = await docker(ctx, words.removeNetwork(network), { accept: [0, 1] })
  if (exitCode === 0 || /not found|no such network/i.test(stderr)) return true
  if (/active endpoints|in use/i.test(stderr)) return false
  await docker(ctx, words.removeNetwork(network))
  return true
}

/** Runs a program inside a running container. */
export const execIn = (ctx: Context, container: string, command: readonly string[], options: ExecOptions = {}) =>
  docker(ctx, words.exec(container, command, options.input !== undefined), options)

export const logs = async (ctx: Context, container: string, lines = 200): Promise<string> => {
  const { stdout, stderr } = await docker(ctx, ['logs', '--tail', String(lines), container], { accept: [0, 1] })
  return stdout + stderr
}

/** Version of the control groups of the engine's machine: `1` or `2`. */
export const cgroupVersion = async (ctx: Context): Promise<string> =>
  (await docker(ctx, ['info', '--format', '{{.CgroupVersion}}'])).stdout.trim()

/** Whether an engine answers; the reason when it does not. */
export const answers = async (
  ctx: Context,
): Promise<{ readonly ok: true } | { readonly ok: false; readonly why: string; readonly details?: readonly string[] }> => {
  try {
    await docker(ctx, ['version', '--format', '{{.Server.Version}}'], { timeout: 10_000 })
    return { ok: true }
  } catch (error) {
    if (!isKsailError(error, 'tool', 'unreachable', 'timeout')) throw error
    // a program that is missing has its places to look as details, one that has no engine its own words: they name the address
    const { code, message, details } = error
    return { ok: false, why: code === 'tool' ? 'no docker was found that can be used' : message, details }
  }
}

/** The machine on which published ports are reached: `localhost`, or the host of a remote engine. */
export const engineHost = async (ctx: Context): Promise<string> => {
  let endpoint = ctx.env['DOCKER_HOST'] ?? ''
  if (endpoint === '') {
    const config = join(ctx.env['DOCKER_CONFIG'] || join(homeFolder(ctx.env), '.docker'), 'config.json')
    // a broken file is docker's own to complain about
    const current =
      ctx.env['DOCKER_CONTEXT'] || (await readJson<{ currentContext?: string }>(config).catch(() => undefined))?.currentContext || 'default'
    if (current !== 'default')
      endpoint = (await docker(ctx, ['context', 'inspect', '--format', '{{.Endpoints.docker.Host}}', current])).stdout.trim()
  }
  const name = /^(?:tcp|ssh|https?):\/\/(?:[^@/]*@)?(?:\[([^\]]+)\]|([^:/]+))/.exec(endpoint)
  const host = (name?.[1] ?? name?.[2] ?? 'localhost').toLowerCase()
  return isLoopback(host) ? 'localhost' : host
}
