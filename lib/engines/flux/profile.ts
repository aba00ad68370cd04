import { parse, stringify } from 'yaml'

const RETRY = {
  'min-retry-delay': '200ms',
  'max-retry-delay': '5s',
  'interval-jitter-percentage': '0',
  'requeue-dependency': '1s',
  'enable-leader-election': 'false',
}

interface Controller {
  readonly args: Readonly<Record<string, string>>
  /** Feature gates, each with the minor version of flux 2 that first knows it. */
  readonly gates?: Readonly<Record<string, number>>
  /** Ports of the node's loopback address, so that nothing on the network reaches them. */
  readonly metrics: number
  readonly health: number
  readonly storage?: number
}

/** What the fast profile changes; part of the cache's key. Every flag is one that the oldest accepted flux has. */
export const PROFILE: Readonly<Record<string, Controller>> = {
  'source-controller': {
    args: { ...RETRY, concurrent: '10', 'storage-addr': '127.0.0.1:9790', 'storage-adv-addr': '127.0.0.1:9790' },
    storage: 9790,
    metrics: 9791,
    health: 9792,
  },
  'kustomize-controller': {
    args: {
      ...RETRY,
      // a Kustomization in its health check keeps a worker: the default of 4 starves the others
      concurrent: '20',
      'concurrent-ssa': '10',
      // an edited Secret or ConfigMap is seen at once, without a label on it
      'watch-configs-label-selector': 'owner!=helm',
      'sops-age-secret': 'sops-age',
      // or what `workload watch` added would outlive its deletion
      'override-manager': 'ksail-watch',
    },
    gates: { CancelHealthCheckOnNewRevision: 7, DirectSourceFetch: 8 },
    metrics: 9793,
    health: 9794,
  },
  'helm-controller': {
    args: { ...RETRY, concurrent: '10' },
    // or the mended version of a release that does not become ready waits until the broken one has had its five minutes
    gates: { CancelHealthCheckOnNewRevision: 8, DirectSourceFetch: 8 },
    metrics: 9795,
    health: 9796,
  },
}

interface Probe {
  httpGet: { port: unknown; host?: string }
  periodSeconds?: number
}

interface Container {
  args: string[]
  env: { name: string; value?: string }[]
  imagePullPolicy?: string
  ports: { name: string; containerPort: number }[]
  livenessProbe: Probe
  readinessProbe: Probe
}

interface Deployment {
  metadata: { name: string }
  spec: {
    strategy?: unknown
    template: {
      spec: { containers: Container[]; nodeSelector?: Record<string, string>; priorityClassName?: string } & Record<string, unknown>
    }
  }
}

/** Sets flags in an argument list: those that are there keep their place. */
const withFlags = (args: readonly string[], flags: Readonly<Record<string, string>>): string[] => {
  const left = new Map(Object.entries(flags))
  const kept = args.map((arg) => {
    const name = /^--([\w-]+)/.exec(arg)?.[1] ?? ''
    const value = left.get(name)
    left.delete(name)
    return value === undefined ? arg : `--${name}=${value}`
  })
  return [...kept, ...[...left].map(([name, value]) => `--${name}=${value}`)]
}

interface ProfileOptions {
  readonly version: string
  /** Several control-plane nodes: the controllers must be told to share one, as they meet on its loopback address. */
  readonly spread: boolean
}

const deployment = (it: Deployment, controller: Controller, { version, spread }: ProfileOptions): Deployment => {
  const { metrics, health, storage, args, gates = {} } = controller
  const minor = Number(/^2\.(\d+)/.exec(version)?.[1] ?? Infinity)
  const known = Object.entries(gates)
    .filter(([, since]) => since <= minor)
    .map(([gate]) => `${gate}=true`)
  const flags: Record<string, string> = {
    ...args,
    'metrics-addr': `127.0.0.1:${metrics}`,
    'health-addr': `127.0.0.1:${health}`,
    ...(known.length === 0 ? {} : { 'feature-gates': known.join(',') }),
  }
  const pod = it.spec.template.spec
  const ports: Record<string, number | undefined> = { http: storage, 'http-prom': metrics, healthz: health }
  for (const container of pod.containers) {
    container.args = withFlags(container.args, flags)
    container.imagePullPolicy = 'IfNotPresent'
    container.env.push({ name: 'KUBERNETES_SERVICE_HOST', value: '127.0.0.1' }, { name: 'KUBERNETES_SERVICE_PORT', value: '6443' })
    for (const port of container.ports) port.containerPort = ports[port.name] ?? port.containerPort
    for (const probe of [container.livenessProbe, container.readinessProbe]) probe.httpGet.host = '127.0.0.1'
    container.readinessProbe.periodSeconds = 1
  }
  // the class needs a quota, and pods wait for the quota's first count
  delete pod.priorityClassName
  pod.nodeSelector = { ...pod.nodeSelector, 'node-role.kubernetes.io/control-plane': '' }
  if (spread && storage === undefined)
    pod['affinity'] = {
      podAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { labelSelector: { matchLabels: { app: 'source-controller' } }, topologyKey: 'kubernetes.io/hostname' },
        ],
      },
    }
  // before the network of the pods is there: the node's own, and Docker's DNS, which knows the registry
  Object.assign(pod, { hostNetwork: true, dnsPolicy: 'Default', tolerations: [{ operator: 'Exists' }] })
  it.spec.strategy = { type: 'Recreate' }
  return it
}

const kindOf = (text: string): string => /^kind: (\w+)/m.exec(text)?.[1] ?? ''

/**
 * The export of `flux install` in the fast profile: controllers on the host network of a control-plane node, so that they run before the
 * cluster's own network does and find the registry by Docker's DNS; short retries; no Service, no leader election. Pure: YAML to YAML.
 */
export const profiled = (yaml: string, options: ProfileOptions): string => {
  const documents = yaml.split(/^---\s*$/m).filter((text) => /^[^#\s]/m.test(text))
  const changed = documents.flatMap((text) => {
    const kind = kindOf(text)
    if (kind === 'Service' || kind === 'ResourceQuota') return []
    // the host network is what the label would warn about, on every apply
    if (kind === 'Namespace') return [text.replaceAll(/^ *pod-security\.kubernetes\.io\/warn.*\n/gm, '')]
    // everything else stays as it is: parsing 150 kB of CRDs takes longer than making them
    if (kind !== 'Deployment') return [text]
    const parsed = parse(text) as Deployment
    const controller = PROFILE[parsed.metadata.name]
    return [controller === undefined ? text : `\n${stringify(deployment(parsed, controller, options))}`]
  })
  return `---${changed.join('---')}`
}
