import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { start } from '../bed/programs.ts'
import { describeOnHost, processesOf } from './bed.ts'

const demo = fileURLToPath(new URL('../../dist/bin/dev/demo.js', import.meta.url))
/** A machine without a container engine: what is shown is the same, and sooner. */
const env = { DOCKER_HOST: 'unix:///nowhere/docker.sock' }
const folders = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('ksail-demo-'))

describeOnHost('the demo of README', () => {
  it('shows a change going live and leaves nothing behind', async () => {
    const running = start(process.execPath, [demo], { input: '', env })
    const { code, stdout, stderr } = await running.done
    expect(code, stdout + stderr).toBe(0)
    const said = stdout.split('\n')
    const [first, second] = said.flatMap((line, index) => (line.startsWith('$ kubectl get configmap greeting') ? [said[index + 1]] : []))
    expect(first).toBe('hello')
    expect(second).toMatch(/^hello again at 20\d\d-/)
    expect(said.filter((line) => line.startsWith('$ ksail '))).toEqual([
      '$ ksail up',
      '$ ksail workload push',
      '$ ksail workload reconcile',
      '$ ksail down --yes',
    ])
    expect(processesOf(`demo-${running.child.pid}`)).toEqual({})
    expect(folders()).toEqual([])
  })

  it('cleans up after Ctrl-C', async () => {
    const running = start(process.execPath, [demo], { input: '', env })
    await running.line(/^► cluster /)
    running.child.kill('SIGINT')
    const { code, stdout } = await running.done
    expect(code).toBe(130)
    expect(stdout).toContain('$ ksail down --yes')
    expect(processesOf(`demo-${running.child.pid}`)).toEqual({})
    expect(folders()).toEqual([])
  })
})
