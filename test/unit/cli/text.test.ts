import { expect, it } from 'vitest'
import type { ClusterInfo } from '../../../lib/cluster/info.ts'
import { clusterTable, infoText, removedList, table } from '../../../lib/cli/commands/text.ts'

it('aligns columns and leaves no blanks at the end of a line', () =>
  expect(
    table([
      ['a', 'bbb'],
      ['cc', 'd'],
    ]),
  ).toBe('a   bbb\ncc  d'))

it('lists clusters, and says so when there are none', () => {
  expect(clusterTable([])).toBe('no clusters')
  const listed = {
    name: 'dev',
    provider: 'Docker',
    distribution: 'Vanilla',
    status: 'running',
    project: '/p',
    kubeconfig: '/k',
    context: 'kind-dev',
    registry: undefined,
  } as const
  expect(clusterTable([listed])).toBe('NAME  STATUS   PROVIDER  REGISTRY  PROJECT\ndev   running  Docker    -         /p')
})

it('says what is gone', () => {
  expect(removedList({ name: 'dev', removed: ['node a', 'volume b'] })).toBe('removed node a\nremoved volume b')
  expect(removedList({ name: 'dev', removed: [] })).toBe('nothing of dev is left')
})

const INFO: ClusterInfo = {
  name: 'dev',
  provider: 'Docker',
  distribution: 'Vanilla',
  status: 'running',
  project: '/p',
  kubeconfig: '/k',
  context: 'kind-dev',
  current: true,
  madeOf: 'nodes',
  nodes: [{ name: 'dev-control-plane', status: 'running' }],
  registry: { container: 'dev-local-registry', status: 'running', address: 'localhost:5050', answers: false },
  engine: { name: 'Flux', url: 'oci://dev-local-registry:5000/k8s', tag: 'dev', revision: undefined },
  down: ['the registry does not answer'],
}

it('shows what a cluster is made of, a line each', () => {
  const nodes = [
    { name: 'etcd', status: 'running as process 41' },
    { name: 'kube-apiserver', status: 'not running' },
  ]
  const text = infoText({ ...INFO, madeOf: 'processes', nodes, down: [] })
  expect(text).toContain('processes  etcd (running as process 41)\n           kube-apiserver (not running)\nregistry')
  expect(infoText({ ...INFO, nodes: [] })).toMatch(/^nodes +none$/m)
})

it('names the tag of what the engine runs once', () =>
  expect(infoText({ ...INFO, engine: { ...INFO.engine, revision: 'dev@sha256:abc' } })).toContain(', tag dev at sha256:abc\n'))

it('shows a cluster line by line, with what is not as it should be at the end', () => {
  expect(infoText(INFO)).toMatchInlineSnapshot(`
    "cluster   dev (running)
    made of   Vanilla on Docker
    context   kind-dev (current) in /k
    project   /p
    nodes     dev-control-plane (running)
    registry  dev-local-registry (running) at localhost:5050
    engine    Flux reads oci://dev-local-registry:5000/k8s, tag dev
    ⚠ the registry does not answer"
  `)
})
