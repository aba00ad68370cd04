import type { Container } from '../../lib/tools/docker.ts'
import { fakeExec } from './exec.ts'

export interface FakeContainer extends Pick<Container, 'name' | 'labels'> {
  id?: string
  image?: string
  running?: boolean
  /** Host port of 5000/tcp. */
  port?: number
  created?: string
  networks?: string[]
}

interface Rest {
  /** Labels by name. */
  volumes?: Record<string, Record<string, string>>
  /** Ports that are refused as docker refuses them. */
  busy?: number[]
  networks?: string[]
  /** Further commands. */
  more?: Parameters<typeof fakeExec>[0]
}

const NODE = 'io.x-k8s.kind.cluster'

/** A node as kind makes it. */
export const fakeNode = (cluster: string, name = `${cluster}-control-plane`): FakeContainer => ({
  name,
  id: `id-${name}`,
  labels: { [NODE]: cluster },
  networks: ['kind'],
})

/** Docker, and as much of kind as removes nodes, that hold containers, volumes and networks in memory. */
export const fakeDocker = (start: readonly FakeContainer[] = [], { volumes = {}, busy = [], networks = [], more = {} }: Rest = {}) => {
  const all = new Map(
    start.map((it) => [
      it.name,
      {
        id: `id-${it.name}`,
        image: 'registry:3',
        running: true,
        port: 5050,
        created: '2026-11-01T10:00:05Z',
        networks: [] as string[],
        ...it,
      },
    ]),
  )
  const disks = new Map(Object.entries(volumes))
  const nets = new Set(networks)
  const clash = { exitCode: 125, stderr: 'docker: Error response from daemon: Bind for 127.0.0.1:5050 failed: port is already allocated' }
  const raw = (it: Required<FakeContainer>) => ({
    Id: it.id,
    Name: `/${it.name}`,
    Created: it.created,
    State: { Running: it.running, Status: it.running ? 'running' : 'exited' },
    Config: { Image: it.image, Labels: it.labels, Env: [] },
    NetworkSettings: {
      Ports: it.running ? { '5000/tcp': [{ HostPort: String(it.port) }] } : {},
      Networks: Object.fromEntries(it.networks.map((name) => [name, { IPAddress: '172.18.0.2' }])),
    },
    Mounts: [],
  })
  const labelsIn = (args: readonly string[]) =>
    Object.fromEntries(args.flatMap((arg, index) => (args[index - 1] === '--label' ? [arg.split(/=(.*)/s).slice(0, 2)] : [])))
  const found = (names: readonly string[]) => names.flatMap((name) => [...all.values()].filter((it) => it.name === name || it.id === name))
  const passes = (it: Required<FakeContainer>, filter: string): boolean => {
    const [kind, key, value] = filter.split('=')
    return kind === 'network' ? it.networks.includes(key!) : it.labels[key!] === value
  }
  const exec = fakeExec({
    'docker version *': '29.0\n',
    'docker ps *': (args) => {
      const filters = args.filter((_, index) => args[index - 1] === '--filter')
      return [...all.values()]
        .filter((it) => filters.every((filter) => passes(it, filter)))
        .map(({ id }) => `${id}\n`)
        .join('')
    },
    'docker container inspect *': (args) => {
      const hits = found(args.slice(2))
      return hits.length === args.length - 2
        ? JSON.stringify(hits.map(raw))
        : { stdout: JSON.stringify(hits.map(raw)), stderr: 'Error: No such container', exitCode: 1 }
    },
    'docker volume inspect *': (args) =>
      disks.has(args.at(-1)!) ? JSON.stringify(disks.get(args.at(-1)!)) : { exitCode: 1, stderr: 'no such volume' },
    'docker volume create *': (args) => (disks.set(args.at(-1)!, labelsIn(args)), ''),
    'docker volume rm *': (args) => (disks.delete(args.at(-1)!), ''),
    'docker network inspect *': (args) => (nets.has(args.at(-1)!) ? 'id\n' : { exitCode: 1, stderr: 'not found' }),
    'docker network rm *': (args) => (nets.delete(args.at(-1)!), ''),
    'docker run *': (args) => {
      const name = args[args.indexOf('--name') + 1]!
      const port = Number(args[args.indexOf('-p') + 1]!.split(':')[1])
      const running = !busy.includes(port)
      all.set(name, {
        id: `new-${name}`,
        name,
        image: args.at(-1)!,
        running,
        port,
        labels: labelsIn(args),
        created: '2026-11-01T10:00:05Z',
        networks: [],
      })
      return running ? `new-${name}\n` : clash
    },
    'docker start *': (args) => {
      for (const it of found(args.slice(1))) {
        if (busy.includes(it.port)) return clash
        it.running = true
      }
      return ''
    },
    'docker stop *': (args) => {
      for (const it of found(args.slice(3))) it.running = false
      return ''
    },
    'docker rm *': (args) => {
      for (const it of found(args.slice(3))) all.delete(it.name)
      return ''
    },
    'docker logs *': 'its last words\n',
    'kind delete cluster *': (args) => {
      for (const it of all.values()) if (it.labels[NODE] === args[3]) all.delete(it.name)
      return ''
    },
    ...more,
  })
  return { exec, all, disks, nets }
}
