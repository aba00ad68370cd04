import { matches, unknown, valueOf, type Answer, type Call } from './call.ts'
import { createCluster, type Cluster } from './cluster.ts'
import type { Container, Engine } from './engine.ts'
import { addEntry, removeEntry } from './kubeconfig.ts'
import { recorded } from './recorded.ts'

const LABEL = 'io.x-k8s.kind.cluster'

const nodesOf = (engine: Engine, name: string): readonly Container[] =>
  [...engine.containers.values()].filter(({ labels }) => labels[LABEL] === name)

/** Lets what was said arrive: a kind whose reader is gone dies of the next line. */
const heard = (call: Call): Promise<boolean> =>
  Promise.race([call.gone.then(() => false), new Promise<boolean>((resolve) => setTimeout(() => resolve(!call.isGone()), 5))])

/** What kind does at the lines that it prints. */
const steps = (
  engine: Engine,
  clusters: Map<string, Cluster>,
  name: string,
  kubeconfig: string,
): readonly (readonly [line: RegExp, work: () => void])[] => {
  const port = 30_000 + Math.floor(Math.random() * 10_000)
  return [
    [
      / ✓ Preparing nodes/,
      () => {
        engine.networks.add('kind')
        const labels = { [LABEL]: name, 'io.x-k8s.kind.role': 'control-plane' }
        const node = engine.create(
          { name: `${name}-control-plane`, image: 'kindest/node', labels, env: [], ports: { '6443/tcp': port }, volume: undefined },
          'kind',
        )
        node.running = true
        clusters.set(name, createCluster(engine, name, port))
      },
    ],
    [/ ✓ Starting control-plane/, () => clusters.get(name)?.serve()],
    [/^Set kubectl context/, () => addEntry(kubeconfig, `kind-${name}`, port)],
  ]
}

const create = async (engine: Engine, clusters: Map<string, Cluster>, call: Call): Promise<Answer> => {
  const name = valueOf(call.args, '--name') ?? ''
  if (nodesOf(engine, name).length > 0) return { code: 1, stderr: recorded('kind/create-exists.txt', { name }) }
  const works = steps(engine, clusters, name, valueOf(call.args, '--kubeconfig') ?? '')
  for (const line of recorded('kind/create.txt', { name }).trimEnd().split('\n')) {
    const work = works.find(([pattern]) => pattern.test(line))
    if (work !== undefined) {
      // the work is begun, but not done: an interruption finds it half-made
      await call.moment(
        line
          .replace(/^ ✓ |^Set /, '')
          .replace(/\W+$/, '')
          .toLowerCase()
          .replace(/ "?kind-.*/, ''),
      )
      if (call.isGone()) return {}
      work[1]()
    }
    call.say(line)
    if (!(await heard(call))) return {}
  }
  return {}
}

/** kind, as far as ksail calls it. */
export const kind = async (engine: Engine, clusters: Map<string, Cluster>, call: Call): Promise<Answer> => {
  const { args } = call
  const name = valueOf(args, '--name') ?? ''
  const kubeconfig = valueOf(args, '--kubeconfig') ?? ''
  if (matches(args, 'version')) return { stdout: recorded('kind/version.txt') }
  if (matches(args, 'create', 'cluster')) return create(engine, clusters, call)
  if (matches(args, 'delete', 'cluster')) {
    const nodes = nodesOf(engine, name)
    for (const node of nodes) engine.remove(node)
    clusters.get(name)?.end()
    clusters.delete(name)
    removeEntry(kubeconfig, `kind-${name}`)
    return { stderr: recorded(`kind/delete${nodes.length === 0 ? '-none' : ''}.txt`, { name }) }
  }
  if (matches(args, 'export', 'kubeconfig')) {
    const cluster = clusters.get(name)
    if (cluster === undefined) return { code: 1, stderr: recorded('kind/export-none.txt', { name }) }
    addEntry(kubeconfig, `kind-${name}`, cluster.port)
    return { stderr: recorded('kind/export.txt', { name }) }
  }
  throw unknown(call)
}
