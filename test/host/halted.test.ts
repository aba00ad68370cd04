import { afterAll, expect, it } from 'vitest'
import { beforeRetry } from '../bed/project.ts'
import { describeOnHost, hostProject, processesOf } from './bed.ts'

/** What `info` tells, and how long it took (ms). */
const look = async (dev: ReturnType<typeof hostProject>): Promise<{ down: readonly string[]; took: number }> => {
  const start = performance.now()
  const { down } = JSON.parse((await dev.ok('cluster', 'info', '-o', 'json')).stdout) as { down: string[] }
  return { down, took: performance.now() - start }
}

describeOnHost('a process that hangs', () => {
  const dev = hostProject('dev')
  afterAll(() => dev.remove())
  beforeRetry(() => dev.ok('up'))

  it('was part of a cluster that works', () => dev.ok('up'))

  it.each(['etcd', 'kube-apiserver', 'kube-controller-manager', 'source-controller'])(
    '%s: every command says so, none waits for ever',
    async (component) => {
      const pid = processesOf('dev')[component] as number
      const words = `is halted by a signal: kill -CONT ${pid} lets it go on`
      process.kill(pid, 'SIGSTOP')
      try {
        const { down, took } = await look(dev)
        expect(down).toContain(`process ${component} ${words}`)
        expect(took).toBeLessThan(15_000)
        for (const command of [['cluster', 'start'], ['up']]) {
          const result = await dev.ksail(...command, '--timeout', '7s')
          expect(result.stderr, command.join(' ')).toMatch(new RegExp(`^ {2}… waiting for .*${component}.* ${words}`, 'm'))
          expect(result, result.stderr).toMatchObject({ code: 5, stdout: '' })
          expect(result.stderr).toContain(words)
        }
      } finally {
        process.kill(pid, 'SIGCONT')
      }
      await dev.ok('cluster', 'start')
      expect((await look(dev)).down).toEqual([])
    },
  )

  it('stop and down end it all the same', async () => {
    process.kill(processesOf('dev')['kube-apiserver'] as number, 'SIGSTOP')
    await dev.ok('cluster', 'stop')
    expect(processesOf('dev')).toEqual({})
    await dev.ok('cluster', 'start')
    for (const pid of Object.values(processesOf('dev'))) process.kill(pid, 'SIGSTOP')
    await dev.ok('down')
    expect(processesOf('dev')).toEqual({})
  })
})
