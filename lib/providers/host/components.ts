import { programs, type ProgramName } from '../../tools/programs.ts'
import { ADMIN_CONFIG, CERTIFICATE, CERTIFICATES, SIGNING_KEY, TOKENS, VERIFYING_KEY } from './secrets.ts'
import { inUnit, type Unit } from './unit.ts'

export type Ports = Readonly<Record<string, number>>

/** Everything that arguments are made of. */
export interface Facts {
  readonly unit: Unit
  readonly ports: Ports
  /** The cluster has simulated nodes. */
  readonly simulated: boolean
  /** The Flux controllers run as `flux install` makes them, as far as processes can. */
  readonly stock: boolean
}

/** A process of a cluster: what it is started with, and how it says that it is ready. */
export interface Component {
  /** What it needs to run first: `state` before the API, `api`, then `work` that talks to the API. */
  readonly stage: 'state' | 'api' | 'work'
  /** Groups of kinds that the API must have found again before it starts: it gives up otherwise. */
  readonly groups?: readonly string[]
  /** Names of the ports on the loopback address that it listens on. */
  readonly ports: readonly string[]
  /** Folders of the unit that must be there before it starts. */
  readonly folders?: readonly string[]
  args(facts: Facts): readonly string[]
  env?(facts: Facts): Readonly<Record<string, string>>
  /** Where it answers 200 when it is ready: on one of its ports, or on a socket in the folder of its unit. Without one it is ready as long as it runs. */
  readonly ready?: { readonly path: string } & ({ readonly port: string } | { readonly socket: string })
}

/** The processes run in the folder of their unit, so that the paths of sockets stay short enough. etcd has no port: another user of the machine could read every Secret. */
const ETCD_SOCKET = 'etcd.sock:0'
const ETCD = `unix://${ETCD_SOCKET}`
const PEER = 'unix://peer.sock:0'
const SERVICES = '10.96.0.0/16'

/** What GitOps needs of the controller manager: the rest would wait for nodes. */
const CONTROLLERS = [
  'namespace-controller',
  'garbage-collector-controller',
  'serviceaccount-controller',
  'clusterrole-aggregation-controller',
  'resourcequota-controller',
]
const NODE_CONTROLLERS = [
  'deployment-controller',
  'replicaset-controller',
  'statefulset-controller',
  'daemonset-controller',
  'job-controller',
  'cronjob-controller',
  'endpointslice-controller',
  'pod-garbage-collector-controller',
  'disruption-controller',
  'horizontal-pod-autoscaler-controller',
]

const SOURCES = 'source.toolkit.fluxcd.io/v1'

const RETRY = ['--min-retry-delay=200ms', '--max-retry-delay=5s', '--interval-jitter-percentage=0', '--requeue-dependency=1s']

interface Controller extends Pick<Component, 'folders' | 'groups'> {
  readonly ports?: readonly string[]
  /** What the fast profile changes. */
  readonly fast: readonly string[]
  readonly args?: (facts: Facts) => readonly string[]
}

/** A controller of Flux, without events, metrics and leader election. */
const controller = (more: Controller): Component => ({
  stage: 'work',
  ports: ['health', ...(more.ports ?? [])],
  folders: more.folders ?? [],
  groups: more.groups ?? [],
  args: (facts) => [
    '--events-addr=',
    '--watch-all-namespaces=true',
    '--enable-leader-election=false',
    '--metrics-addr=0',
    '--log-level=info',
    `--health-addr=127.0.0.1:${facts.ports['health']}`,
    ...(facts.stock ? [] : [...RETRY, ...more.fast]),
    ...(more.args?.(facts) ?? []),
  ],
  env: ({ unit }) => ({ KUBECONFIG: inUnit(unit, ADMIN_CONFIG), RUNTIME_NAMESPACE: 'flux-system' }),
  ready: { port: 'health', path: '/readyz' },
})

/** Every process that a cluster without containers can have. */
export const components = {
  etcd: {
    stage: 'state',
    ports: [],
    // a cluster that can be made again in seconds need not wait for the disk
    args: () => [
      '--name=ksail',
      '--data-dir=data/etcd',
      '--unsafe-no-fsync',
      '--log-level=warn',
      `--listen-client-urls=${ETCD}`,
      `--advertise-client-urls=${ETCD}`,
      `--listen-peer-urls=${PEER}`,
      `--initial-advertise-peer-urls=${PEER}`,
      `--initial-cluster=ksail=${PEER}`,
    ],
    ready: { socket: ETCD_SOCKET, path: '/health' },
  },
  'kube-apiserver': {
    stage: 'api',
    ports: ['api'],
    args: ({ ports, simulated }) => [
      `--etcd-servers=${ETCD}`,
      '--bind-address=127.0.0.1',
      `--secure-port=${ports['api']}`,
      `--cert-dir=${CERTIFICATES}`,
      '--endpoint-reconciler-type=none',
      `--service-cluster-ip-range=${SERVICES}`,
      '--authorization-mode=RBAC',
      `--token-auth-file=${TOKENS}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-signing-key-file=${SIGNING_KEY}`,
      `--service-account-key-file=${VERIFYING_KEY}`,
      '--profiling=false',
      '--allow-privileged=true',
      // nobody would take the taint away that this plug-in gives to new nodes
      ...(simulated ? ['--disable-admission-plugins=TaintNodesByCondition'] : []),
    ],
    env: () => ({ GOGC: '40' }),
  },
  'kube-controller-manager': {
    stage: 'work',
    ports: [],
    args: ({ simulated }) => [
      `--kubeconfig=${ADMIN_CONFIG}`,
      '--secure-port=0',
      '--leader-elect=false',
      `--controllers=${[...CONTROLLERS, ...(simulated ? NODE_CONTROLLERS : [])].join(',')}`,
      `--service-account-private-key-file=${SIGNING_KEY}`,
      `--root-ca-file=${CERTIFICATE}`,
      '--profiling=false',
    ],
  },
  'source-controller': controller({
    ports: ['storage'],
    groups: [SOURCES],
    folders: ['data/source-controller'],
    fast: ['--concurrent=10'],
    args: ({ unit, ports }) => [
      `--storage-path=${inUnit(unit, 'data', 'source-controller')}`,
      `--storage-addr=127.0.0.1:${ports['storage']}`,
      `--storage-adv-addr=127.0.0.1:${ports['storage']}`,
    ],
  }),
  'kustomize-controller': controller({
    groups: [SOURCES, 'kustomize.toolkit.fluxcd.io/v1'],
    fast: [
      '--concurrent=20',
      '--concurrent-ssa=10',
      '--watch-configs-label-selector=owner!=helm',
      '--feature-gates=CancelHealthCheckOnNewRevision=true,DirectSourceFetch=true',
      '--sops-age-secret=sops-age',
      '--override-manager=ksail-watch',
    ],
  }),
  'helm-controller': controller({ groups: [SOURCES, 'helm.toolkit.fluxcd.io/v2'], fast: ['--concurrent=10'] }),
  'kube-scheduler': {
    stage: 'work',
    ports: [],
    args: () => [`--kubeconfig=${ADMIN_CONFIG}`, '--secure-port=0', '--leader-elect=false', '--profiling=false'],
  },
  kwok: {
    stage: 'work',
    ports: [],
    args: () => [`--kubeconfig=${ADMIN_CONFIG}`, '--config=data/stages.yaml', '--manage-all-nodes=true'],
  },
  registry: {
    stage: 'state',
    ports: ['registry'],
    args: () => ['serve', 'data/registry.yml'],
    env: () => ({ OTEL_TRACES_EXPORTER: 'none' }),
    ready: { port: 'registry', path: '/v2/' },
  },
} as const satisfies Readonly<Partial<Record<ProgramName, Component>>>

export type ComponentName = keyof typeof components

export const isComponent = (name: string): name is ComponentName => Object.hasOwn(components, name)
export const componentOf = (name: ComponentName): Component => components[name]
export const programOf = (name: ComponentName) => programs[name]
