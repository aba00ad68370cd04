import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { beforeRetry } from '../bed/project.ts'
import { configMap, describeOnHost, filesBelow, hostProject, processesOf } from './bed.ts'

const COMPONENTS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'source-controller', 'kustomize-controller', 'registry'] as const

const killed = async (pid: number): Promise<void> => {
  process.kill(pid, 'SIGKILL')
  // what nobody waits for stays in the table without words
  await expect.poll(() => words(pid), { timeout: 5000 }).toBe('')
}

const words = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

describeOnHost('processes that are killed', () => {
  const dev = hostProject('dev')
  const pidFiles = (): readonly string[] =>
    filesBelow(join(process.env['XDG_STATE_HOME'] as string, 'ksail', 'host', 'dev')).filter((path) => path.endsWith('.pid'))
  let round = 0
  const change = async (): Promise<void> => {
    dev.put({ 'kept.yaml': configMap('kept', 'kept'), 'a.yaml': configMap('a', String(++round)) })
    await dev.ok('workload', 'push', '--reconcile')
    expect(await dev.value('a')).toBe(String(round))
    expect(await dev.value('kept')).toBe('kept')
  }

  afterAll(() => dev.remove())
  beforeRetry(() => dev.ok('up'))

  it('are part of a cluster that works', async () => {
    await dev.ok('up')
    await change()
  })

  it.each(COMPONENTS)('%s: info says so, start heals it, nothing is lost', async (component) => {
    const before = processesOf('dev')
    await killed(before[component] as number)
    const { status, down } = JSON.parse((await dev.ok('cluster', 'info', '-o', 'json')).stdout) as { status: string; down: string[] }
    expect(down.join('\n')).toContain(component === 'registry' ? 'dev-local-registry' : component)
    if (component !== 'registry') expect(status).toBe('partly')
    await dev.ok('cluster', 'start')
    const after = processesOf('dev')
    expect(Object.keys(after).toSorted()).toEqual([...COMPONENTS].toSorted())
    // the others went on
    for (const other of COMPONENTS) if (other !== component) expect(after[other], other).toBe(before[other])
    expect(JSON.parse((await dev.ok('cluster', 'info', '-o', 'json')).stdout)).toMatchObject({ status: 'running', down: [] })
    await change()
  })

  it('all at once: start heals them', async () => {
    await Promise.all(Object.values(processesOf('dev')).map(killed))
    await dev.ok('cluster', 'start')
    await change()
  })

  it('a reboot, which also took the pid files: up converges', async () => {
    await Promise.all(Object.values(processesOf('dev')).map(killed))
    for (const file of pidFiles()) rmSync(file)
    await dev.ok('up')
    await change()
  })

  it('pid files that are lost or that name another process: neither a second process nor a wrong signal', async () => {
    const before = processesOf('dev')
    for (const file of pidFiles()) {
      if (file.endsWith('etcd.pid') || file.endsWith('registry.pid')) writeFileSync(file, `${process.pid}\n`)
      else rmSync(file)
    }
    await dev.ok('cluster', 'start')
    expect(processesOf('dev')).toEqual(before)
    for (const file of pidFiles()) if (file.endsWith('etcd.pid')) writeFileSync(file, `${process.pid}\n`)
    await dev.ok('cluster', 'stop')
    expect(processesOf('dev')).toEqual({})
    await dev.ok('cluster', 'start')
    await change()
  })

  it('ports that nobody knows any more: up starts anew what listens there', async () => {
    for (const file of filesBelow(join(process.env['XDG_STATE_HOME'] as string, 'ksail', 'host', 'dev')))
      if (/components\/(kube-apiserver|registry)\.json$/.test(file)) rmSync(file)
    await dev.ok('up')
    await change()
  })

  it('an interrupted create undoes what it made', async () => {
    for (const moment of [/cluster dev/, /Flux reads/]) {
      let code: number | null
      do {
        await dev.ok('down')
        const run = dev.start('up')
        await run.line(moment)
        run.child.kill('SIGINT')
        code = (await run.done).code
        // it was done before the signal came: again
      } while (code === 0)
      expect(code).toBe(130)
      expect(processesOf('dev')).toEqual({})
      expect(filesBelow(join(process.env['XDG_STATE_HOME'] as string, 'ksail', 'host'))).toEqual([])
    }
  })

  it('ksail itself, in the midst of create: the next up converges and down leaves nothing', async () => {
    await dev.ok('down')
    for (const moment of [/registry dev-local-registry/, /first artifact/, /Flux reads/]) {
      const run = dev.start('up')
      await run.line(moment)
      run.child.kill('SIGKILL')
      await run.done
    }
    await dev.ok('up')
    await change()
    await dev.ok('down')
    expect(processesOf('dev')).toEqual({})
  })
})
