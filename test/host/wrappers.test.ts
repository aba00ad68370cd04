import { chmodSync, mkdtempSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { configMap, describeOnHost, filesBelow, hostProject, programPath } from './bed.ts'

const NAMES = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'source-controller', 'kustomize-controller', 'registry']
const state = (): string => join(process.env['XDG_STATE_HOME'] as string, 'ksail', 'host')

/** Every process, of whatever name, that has its HOME in the state of a cluster. */
const living = (): readonly number[] =>
  readdirSync('/proc')
    .filter((it) => /^\d+$/.test(it))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`HOME=${state()}/`)
      } catch {
        return false
      }
    })

describeOnHost('programs that are scripts which start the real ones', () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'wrappers-')))
  // it neither becomes the program nor passes signals on
  const env = Object.fromEntries(
    NAMES.map((name) => {
      const path = join(folder, name)
      writeFileSync(path, `#!/bin/sh\n${programPath(name)} "$@" &\nwait $!\n`)
      chmodSync(path, 0o755)
      return [`KSAIL_TOOL_${name.replaceAll('-', '_').toUpperCase()}`, path]
    }),
  )
  const dev = hostProject('dev', env)
  afterAll(() => dev.remove())

  it('get ready, take changes, are healed and leave nothing', async () => {
    await dev.ok('up')
    const all = living().length
    expect(all).toBe(2 * NAMES.length)
    expect(JSON.parse((await dev.ok('cluster', 'info', '-o', 'json')).stdout)).toMatchObject({ status: 'running', down: [] })
    dev.put({ 'a.yaml': configMap('a', 'wrapped') })
    await dev.ok('workload', 'push', '--reconcile')
    // the script goes, what it started stays and holds socket, port and files
    for (const unit of ['control-plane', 'registry'])
      for (const name of unit === 'registry' ? ['registry'] : ['etcd', 'kube-apiserver'])
        process.kill(Number(readFileSync(join(state(), 'dev', unit, 'pid', `${name}.pid`), 'utf8').split(' ')[0]), 'SIGKILL')
    await dev.ok('cluster', 'start')
    expect(living().length).toBe(all)
    expect(await dev.value('a')).toBe('wrapped')
    await dev.ok('cluster', 'stop')
    expect(living()).toEqual([])
    await dev.ok('cluster', 'start')
    await dev.ok('down')
    expect(living()).toEqual([])
    expect(filesBelow(state())).toEqual([])
  })
})
