import { matches, unknown, valueOf, valuesOf, type Answer, type Call } from './call.ts'
import type { Cluster } from './cluster.ts'
import type { Container, Engine } from './engine.ts'
import { recorded } from './recorded.ts'
import { createRegistry } from './registry.ts'

const HOSTS = '/etc/containerd/certs.d/'

const pairs = (words: readonly string[]): Record<string, string> =>
  Object.fromEntries(words.map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]))

/** A container as the engine tells of it: everything that a recorded one has, with its own name, state, labels, ports, networks. */
const inspected = (it: Container): unknown => {
  const shape = JSON.parse(recorded('docker/container-inspect.txt', { name: it.name, id: it.id, created: it.created }))[0]
  const ports = Object.entries(it.ports).map(
    ([port, host]) => [port, it.running ? [{ HostIp: '127.0.0.1', HostPort: String(host) }] : null] as const,
  )
  const [[, network]] = Object.entries(shape.NetworkSettings.Networks) as [[string, object]]
  return {
    ...shape,
    State: { ...shape.State, Running: it.running, Status: it.running ? 'running' : 'created' },
    Config: { ...shape.Config, Image: it.image, Labels: it.labels, Env: it.env },
    NetworkSettings: {
      ...shape.NetworkSettings,
      Ports: it.running ? Object.fromEntries(ports) : {},
      Networks: Object.fromEntries([...it.networks].map((name) => [name, network])),
    },
    Mounts: it.volume === undefined ? [] : [{ ...shape.Mounts[0], Type: 'volume', Name: it.volume }],
  }
}

const failed = (file: string, values: Readonly<Record<string, string>> = {}, code = 1): Answer => ({
  code,
  stderr: recorded(`docker/${file}.txt`, values),
})

const isSelected = (it: Container, filter: string): boolean => {
  const [key, ...rest] = filter.split('=')
  const value = rest.join('=')
  if (key === 'label') return it.labels[rest[0] ?? ''] === rest.slice(1).join('=')
  if (key === 'network') return it.networks.has(value)
  throw new Error(`nobody told the machine about the filter ${filter}`)
}

const run = async (engine: Engine, args: readonly string[]): Promise<Answer> => {
  const name = valueOf(args, '--name') ?? ''
  const holder = engine.find(name)
  if (holder !== undefined) return failed('run-name-taken', { name, id: holder.id }, 125)
  const [, host, inside] = /^127\.0\.0\.1:(\d+):(\d+)$/.exec(valueOf(args, '-p') ?? '') ?? []
  const [volume = ''] = (valueOf(args, '-v') ?? '').split(':')
  const made = engine.create(
    {
      name,
      volume,
      image: args.at(-1) ?? '',
      labels: pairs(valuesOf(args, '--label')),
      env: valuesOf(args, '-e'),
      ports: { [`${inside}/tcp`]: Number(host) },
    },
    'bridge',
  )
  if (!(await engine.start(made))) return failed('run-port-taken', { name, id: made.id, port: host ?? '' }, 125)
  return { stdout: `${made.id}\n` }
}

/** Does a thing to each named object; those that are missing make the whole call fail, as docker does it. */
const each = async (names: readonly string[], work: (name: string) => string | Promise<string>, missing: string): Promise<Answer> => {
  const [done, gone]: [string[], string[]] = [[], []]
  for (const name of names) {
    const said = await work(name)
    if (said === '') gone.push(recorded(`docker/${missing}.txt`, { name }))
    else done.push(`${said}\n`)
  }
  return { code: gone.length > 0 ? 1 : 0, stdout: done.join(''), stderr: gone.join('') }
}

/** docker, as far as ksail calls it, over the containers of a machine. */
export const docker = async (engine: Engine, clusterOf: (node: Container) => Cluster | undefined, call: Call): Promise<Answer> => {
  const { args, input } = call
  const rest = (from: number): readonly string[] => args.slice(from).filter((word) => !word.startsWith('-'))
  const containers = (from: number, work: (it: Container) => void | Promise<void>): Promise<Answer> =>
    each(
      rest(from),
      async (name) => {
        const it = engine.find(name)
        if (it !== undefined) await work(it)
        return it === undefined ? '' : name
      },
      'no-such-container',
    )

  if (matches(args, 'version'))
    return { stdout: recorded(`docker/version-${args[2]?.includes('Server') === true ? 'server' : 'client'}.txt`) }
  if (matches(args, 'info', '--format', '{{.CgroupVersion}}')) return { stdout: recorded('docker/info-cgroup-version.txt') }
  if (matches(args, 'ps', '-aq', '--no-trunc')) {
    const filters = valuesOf(args, '--filter')
    return {
      stdout: [...engine.containers.values()]
        .filter((it) => filters.every((filter) => isSelected(it, filter)))
        .map(({ id }) => `${id}\n`)
        .join(''),
    }
  }
  if (matches(args, 'container', 'inspect')) {
    const found = rest(2).map((name) => engine.find(name))
    const gone = rest(2).filter((name) => engine.find(name) === undefined)
    const json = JSON.stringify(found.filter((it) => it !== undefined).map(inspected), undefined, 4)
    return {
      code: gone.length > 0 ? 1 : 0,
      stdout: `${json}\n`,
      stderr: gone.map((name) => recorded('docker/no-such-container.txt', { name })).join(''),
    }
  }
  if (matches(args, 'volume', 'inspect', '--format', '{{json .Labels}}'))
    return each(
      [args[4] ?? ''],
      (name) => (engine.volumes.has(name) ? JSON.stringify(engine.volumes.get(name)?.labels) : ''),
      'no-such-volume',
    )
  if (matches(args, 'volume', 'create')) {
    const name = args.at(-1) ?? ''
    if (!engine.volumes.has(name)) engine.volumes.set(name, { labels: pairs(valuesOf(args, '--label')), content: createRegistry() })
    return { stdout: `${name}\n` }
  }
  if (matches(args, 'volume', 'rm')) {
    const user = [...engine.containers.values()].find(({ volume }) => volume === args[2])
    if (user !== undefined) return failed('volume-in-use', { name: args[2] ?? '', id: user.id })
    return each([args[2] ?? ''], (name) => (engine.volumes.delete(name) ? name : ''), 'no-such-volume')
  }
  if (matches(args, 'network', 'inspect'))
    return each([args.at(-1) ?? ''], (name) => (engine.networks.has(name) ? `id-of-${name}` : ''), 'no-such-network')
  if (matches(args, 'network', 'rm')) {
    const name = args[2] ?? ''
    // a container that is stopped does not keep its network
    if ([...engine.containers.values()].some(({ networks, running }) => running && networks.has(name)))
      return failed('network-in-use', { name })
    return each([name], () => (engine.networks.delete(name) ? name : ''), 'no-such-network')
  }
  if (matches(args, 'network', 'connect', undefined, undefined)) {
    const [, , network = '', name = ''] = args
    const it = engine.find(name)
    if (it === undefined) return failed('no-such-container', { name })
    if (!engine.networks.has(network)) return failed('connect-no-network', { name: network })
    if (it.networks.has(network)) return failed('connect-twice', { name, network })
    it.networks.add(network)
    return {}
  }
  if (matches(args, 'run', '-d')) return run(engine, args)
  if (matches(args, 'start')) {
    const [name = ''] = rest(1)
    const it = engine.find(name)
    if (it === undefined || rest(1).length !== 1) throw unknown(call)
    return (await engine.start(it))
      ? { stdout: `${name}\n` }
      : failed('start-port-taken', { name, id: it.id, port: String(it.ports['5000/tcp']) })
  }
  if (matches(args, 'stop', '-t', '10')) return containers(3, (it) => engine.stop(it))
  if (matches(args, 'rm', '-f', '-v')) return containers(3, (it) => engine.remove(it))
  if (matches(args, 'logs', '--tail'))
    return engine.find(args.at(-1) ?? '') === undefined
      ? failed('no-such-container', { name: args.at(-1) ?? '' })
      : { stdout: recorded('docker/logs.txt') }
  if (matches(args, 'exec')) {
    const [name = '', program, ...words] = args.slice(args[1] === '-i' ? 2 : 1)
    const node = engine.find(name)
    if (node === undefined) return failed('no-such-container', { name })
    if (!node.running) return failed('exec-not-running', { id: node.id })
    const cluster = clusterOf(node)
    if (cluster === undefined) throw unknown(call)
    if (program === 'sh' && words.at(-1)?.startsWith(HOSTS) === true) {
      node.files.set(`${words.at(-1)}/hosts.toml`, input)
      return {}
    }
    if (program === 'bash' && words[1]?.includes('apply --server-side') === true) return cluster.apply(input, words.at(-1) ?? '')
    if (program === 'bash' && words[1]?.includes('--raw /readyz') === true) return (await cluster.served) ? {} : { code: 137 }
    if (program === 'journalctl') return { stdout: recorded('docker/journalctl.txt') }
  }
  throw unknown(call)
}
