import { afterAll, expect, it } from 'vitest'
import { describeOnHost, hostProject, processesOf } from './bed.ts'

const deployment = (name: string, more = ''): string => `apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, namespace: default}
spec:
  replicas: 3
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec: {${more}containers: [{name: c, image: 'example.com/c:1'}]}
`

const JOB = `apiVersion: batch/v1
kind: Job
metadata: {name: once, namespace: default}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: 'example.com/c:1'}]}}}
`

const SAID = 'the pods of this cluster are simulated: nothing runs in them'

describeOnHost(
  'simulated nodes',
  () => {
    const dev = hostProject('dev')
    afterAll(() => dev.remove())

    it('let Deployments roll out and Jobs end, and say that nothing runs', async () => {
      await dev.ok('cluster', 'init', '--gitops-engine', 'Flux')
      dev.put({ 'web.yaml': deployment('web'), 'job.yaml': JOB })
      const { stderr } = await dev.ok('up', '--workers', '2')
      expect(stderr.split(SAID)).toHaveLength(2)
      expect((await dev.kubectl('get', 'nodes', '-o', 'jsonpath={.items[*].metadata.name}')).split(' ')).toEqual([
        'dev-worker',
        'dev-worker2',
      ])
      expect(await dev.kubectl('get', 'deployment', 'web', '-o', 'jsonpath={.status.availableReplicas}')).toBe('3')
      expect(await dev.kubectl('get', 'job', 'once', '-o', 'jsonpath={.status.succeeded}')).toBe('1')
    })

    it('say so of a failure, too', async () => {
      dev.put({ 'web.yaml': deployment('web'), 'far.yaml': deployment('far', 'nodeSelector: {no: where}, ') })
      await dev.ok('workload', 'push')
      const { code, stderr } = await dev.ksail('workload', 'reconcile', '--timeout', '60s')
      expect(code, stderr).toBe(1)
      expect(stderr).toContain('far')
      expect(stderr).toContain(SAID)
    })

    it('come again after a restart, and go with the cluster', async () => {
      dev.put({ 'web.yaml': deployment('web') })
      await dev.ok('up', '--workers', '2')
      await dev.ok('cluster', 'stop')
      await dev.ok('cluster', 'start')
      expect(Object.keys(processesOf('dev'))).toEqual(expect.arrayContaining(['kube-scheduler', 'kwok']))
      dev.put({ 'web.yaml': deployment('web'), 'more.yaml': deployment('more') })
      await dev.ok('workload', 'push', '--reconcile')
      await dev.ok('down')
      expect(processesOf('dev')).toEqual({})
    })
  },
  ['kube-scheduler', 'kwok'],
)
