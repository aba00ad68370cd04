import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { describeOnHost, hostProject, processesOf } from './bed.ts'

/** A program that says why, and ends. */
const program = (words: string): string => {
  const path = join(mkdtempSync(join(tmpdir(), 'program-')), 'program')
  writeFileSync(path, `#!/bin/sh\necho '${words}' >&2\nexit 2\n`)
  chmodSync(path, 0o755)
  return path
}

describeOnHost('a program that ends while a cluster is made', () => {
  const [etcd, registry] = [
    hostProject('one', { KSAIL_TOOL_ETCD: program('etcd has no quorum') }),
    hostProject('two', { KSAIL_TOOL_REGISTRY: program('the registry has no storage') }),
  ]
  afterAll(async () => {
    await Promise.all([etcd.remove(), registry.remove()])
  })

  it.each([
    ['etcd', etcd, 'etcd has no quorum'],
    ['registry', registry, 'the registry has no storage'],
  ])('%s: why is told, nothing stays, and the hint names a log that is there', async (name, dev, words) => {
    const { code, stderr } = await dev.ksail('up')
    expect(code, stderr).toBe(1)
    expect(stderr).toContain(words)
    const [, log = ''] = /look at (.*\.log)$/m.exec(stderr) ?? []
    expect(log).toBe(join(dev.folder, '.ksail', 'logs', `${name}.log`))
    expect(readFileSync(log, 'utf8')).toContain(words)
    expect(processesOf(dev.name)).toEqual({})
  })
})
