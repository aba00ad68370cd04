import type { Target } from '../../lib/base/target.ts'

/** A resolved cluster with plain values; what a test is about it passes itself. */
export const fakeTarget = (over: Partial<Target> = {}): Target => ({
  name: 'dev',
  project: '/project',
  distribution: 'Vanilla',
  provider: 'Docker',
  engine: 'Flux',
  kubeconfig: '/home/kubeconfig',
  context: 'kind-dev',
  source: '/project/k8s',
  repository: 'k8s',
  tag: 'dev',
  path: './',
  registryImage: 'registry:3',
  registryPort: undefined,
  registry: undefined,
  nodeImage: undefined,
  kubernetesVersion: undefined,
  controlPlanes: undefined,
  workers: undefined,
  distributionConfig: '/project/kind.yaml',
  fluxProfile: 'local',
  timeout: 300_000,
  ...over,
})
