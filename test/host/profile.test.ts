import { readFileSync } from 'node:fs'
import { afterAll, expect, it } from 'vitest'
import { level, LEVELS } from '../../bin/dev/bench/chain.ts'
import { configMap, describeOnHost, hostProject, processesOf } from './bed.ts'

/** What one process of a cluster was started with. */
const wordsOf = (cluster: string, component: string): readonly string[] =>
  readFileSync(`/proc/${processesOf(cluster)[component]}/cmdline`, 'utf8').split('\0')

describeOnHost('the profile of the Flux controllers', () => {
  const dev = hostProject('profile')
  afterAll(dev.remove)

  it('is the fast one, until up is told otherwise: then they start anew', async () => {
    await dev.ok('down')
    await dev.ok('up')
    const fast = processesOf(dev.name)
    expect(wordsOf(dev.name, 'kustomize-controller')).toContain('--requeue-dependency=1s')
    const { stderr } = await dev.ok('up', '--dry-run', '--flux-profile', 'stock')
    for (const name of ['source-controller', 'kustomize-controller']) expect(stderr).toContain(`kill ${fast[name]} && cd `)
    expect(processesOf(dev.name)).toEqual(fast)
    await dev.ok('up', '--flux-profile', 'stock')
    const { 'source-controller': source, 'kustomize-controller': kustomize, ...others } = processesOf(dev.name)
    expect(source).not.toBe(fast['source-controller'])
    expect(kustomize).not.toBe(fast['kustomize-controller'])
    expect(fast).toMatchObject(others)
    for (const name of ['source-controller', 'kustomize-controller'])
      expect(wordsOf(dev.name, name).filter((word) => /retry|requeue|concurrent|gates|override/.test(word))).toEqual([])
    expect(JSON.parse((await dev.ok('up', '--flux-profile', 'stock', '-o', 'json')).stdout)).toMatchObject({ already: true })
  })

  it('stock ones follow a chain of dependencies without their 30 seconds for each', async () => {
    const change = (value: string): void => {
      dev.put(Object.fromEntries(LEVELS.map((index) => [`level-${index}.yaml`, level(index)])))
      for (const index of LEVELS) dev.write(`k8s/levels/${index}/a.yaml`, configMap(`level-${index}`, value))
    }
    change('one')
    await dev.ok('workload', 'push', '--reconcile')
    change('two')
    await dev.ok('workload', 'push', '--reconcile', '--timeout', '25s')
    expect(await dev.kubectl('get', 'configmap', '-n', 'default', 'level-4', '-o', 'jsonpath={.data.value}')).toBe('two')
  })

  it('stays after a restart', async () => {
    await dev.ok('up', '--flux-profile', 'stock')
    await dev.ok('cluster', 'stop')
    await dev.ok('cluster', 'start')
    expect(wordsOf(dev.name, 'kustomize-controller')).not.toContain('--requeue-dependency=1s')
    await dev.ok('down')
    expect(processesOf(dev.name)).toEqual({})
  })
})
