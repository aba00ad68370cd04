import { afterAll, expect, it } from 'vitest'
import { configMap, describeOnHost, hostProject } from './bed.ts'

describeOnHost('a cluster without an engine', () => {
  const project = hostProject('bare')
  const { ok, ksail, put } = project
  afterAll(project.remove)

  it('has a registry beside it that push finds by itself', async () => {
    await ok('cluster', 'init', '--gitops-engine', 'None')
    await ok('cluster', 'create')
    put({ 'a.yaml': configMap('a', 'one') })
    const { stdout } = await ok('workload', 'push', '-o', 'json')
    const { repository, registryFrom, digest } = JSON.parse(stdout) as Record<string, string>
    expect(registryFrom).toBe('host')
    expect(repository).toMatch(/^127\.0\.0\.1:\d+\/k8s$/)
    const held = await fetch(`http://${repository?.replace('/', '/v2/')}/manifests/dev`, {
      headers: { accept: 'application/vnd.oci.image.manifest.v1+json' },
    })
    expect(held.headers.get('docker-content-digest')).toBe(digest)
  })

  it('says so when that registry is stopped', async () => {
    await ok('cluster', 'stop')
    const { code, stderr } = await ksail('workload', 'push')
    expect(code).toBe(6)
    expect(stderr).toContain('ksail cluster start')
  })

  it('is started by create, which says what it waits for', async () => {
    const { stderr } = await ok('cluster', 'create')
    expect(stderr).toMatch(/✔ starting the processes of bare, which are stopped[^]*► waiting for the API server of bare\n/)
  })
})
