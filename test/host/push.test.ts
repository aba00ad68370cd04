import { mkdtempSync, realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { SOURCE, SYNC } from '../bed/kube.ts'
import { configMap, manifestsOf } from '../bed/manifests.ts'
import { KSAIL, run } from '../bed/programs.ts'
import { describeOnHost, hostProject, processesOf } from './bed.ts'

describeOnHost('workload push', () => {
  const dev = hostProject('dev')
  const { get } = dev
  const { put } = manifestsOf(dev)

  afterAll(() => dev.remove())

  it('has a cluster to push to', () => dev.ok('up'))

  it('an unchanged push writes nothing and starts no reconcile', async () => {
    put('settings.yaml', configMap('settings', { version: `${Date.now()}` }))
    const idle = await dev.registryWrites()
    const first = await dev.ok('workload', 'push')
    const afterFirst = await dev.registryWrites()
    expect(afterFirst, 'what is written to the registry is seen').not.toEqual(idle)
    await dev.ok('workload', 'reconcile')
    const before = { source: (await get(SOURCE)).metadata.resourceVersion, sync: (await get(SYNC)).metadata.resourceVersion }
    const second = await dev.ok('workload', 'push')
    expect(second.stdout).toBe(first.stdout)
    expect(second.stderr).toMatch(/unchanged/)
    await dev.ok('workload', 'push', '--reconcile')
    expect(await dev.registryWrites()).toEqual(afterFirst)
    expect({ source: (await get(SOURCE)).metadata.resourceVersion, sync: (await get(SYNC)).metadata.resourceVersion }).toEqual(before)
  })

  it('a copy of the folder under another path, umask and time zone has the same digest', async () => {
    const first = await dev.ok('workload', 'push')
    const copy = join(realpathSync(mkdtempSync(join(tmpdir(), 'elsewhere-'))), 'a folder')
    const copied = await run('sh', [
      '-c',
      'umask 077 && mkdir "$1" && cd "$0" && find . -path ./.ksail -prune -o -type f -print | while read -r f; do mkdir -p "$1/$(dirname "$f")" && cat "$f" > "$1/$f"; done',
      dev.folder,
      copy,
    ])
    expect(copied, copied.stderr).toMatchObject({ code: 0 })
    const result = await run('sh', ['-c', 'umask 077 && exec "$0" "$@"', process.execPath, KSAIL, 'workload', 'push'], {
      cwd: copy,
      env: { TZ: 'Asia/Kathmandu', USER: 'somebody' },
    })
    expect(result, result.stderr).toMatchObject({ code: 0, stdout: first.stdout })
    expect(result.stderr).toMatch(/unchanged/)
  })

  it('writes results to stdout only, progress to stderr, and JSON that parses', async () => {
    put('settings.yaml', configMap('settings', { version: `${Date.now()}` }))
    const pushed = await dev.ok('workload', 'push', '-o', 'json')
    const result = JSON.parse(pushed.stdout)
    expect(result).toEqual({
      reference: `oci://${await dev.registry()}/k8s:dev@${result.digest}`,
      repository: `${await dev.registry()}/k8s`,
      tag: 'dev',
      digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      size: expect.any(Number),
      files: expect.any(Number),
      changed: true,
      registryFrom: expect.any(String),
      tagFrom: expect.any(String),
      ms: expect.any(Number),
    })
    expect(pushed.stderr).not.toBe('')
    const reconciled = await dev.ok('workload', 'reconcile', '-o', 'json')
    expect(JSON.stringify(JSON.parse(reconciled.stdout))).toContain(result.digest)
    expect(JSON.parse((await dev.ok('cluster', 'list', '-o', 'json')).stdout)).toEqual([expect.objectContaining({ name: 'dev' })])
    expect(JSON.parse((await dev.ok('cluster', 'info', '-o', 'json')).stdout)).toMatchObject({ name: 'dev' })
    const quiet = await dev.ok('workload', 'push', '-q')
    expect(quiet).toMatchObject({ stderr: '', stdout: `${result.reference}\n` })
  })

  it('does not wait for an API server that hangs: what it reads is not checked, and that is said once', async () => {
    put('settings.yaml', configMap('settings', { version: '5' }))
    const pid = processesOf('dev')['kube-apiserver'] as number
    process.kill(pid, 'SIGSTOP')
    try {
      const { stdout, stderr, ms } = await dev.ok('workload', 'push')
      expect(stdout).toContain(`oci://${await dev.registry()}/k8s:dev@`)
      expect(stderr.match(/not checked: no answer within 3 s/g)).toHaveLength(1)
      expect(ms).toBeLessThan(10_000)
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    await dev.ok('workload', 'reconcile')
  })

  it('is quiet when the pipe it writes to is closed', async () => {
    for (const words of ['workload push', 'cluster info -o json', '--help']) {
      const result = await run('bash', ['-c', `"$0" "$1" ${words} | true; echo "\${PIPESTATUS[0]}"`, process.execPath, KSAIL], {
        cwd: dev.folder,
      })
      expect(result.stderr, words).not.toMatch(/EPIPE|at .*\.js:\d+|✗/)
      expect(result.stdout, words).toBe('0\n')
    }
  })
})
