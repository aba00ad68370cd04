import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { itBringsHelm } from '../bed/chart.ts'
import { fails, loop } from '../bed/claims.ts'
import { configMap, deployment, manifestsOf } from '../bed/manifests.ts'
import { digestOf, output, run, type Run } from '../bed/programs.ts'
import { describeOnHost, hostProject, processesOf } from './bed.ts'

describeOnHost('workload reconcile', () => {
  const dev = hostProject('dev')
  const { data } = dev
  const { put, drop, sync } = manifestsOf(dev)

  afterAll(() => dev.remove())

  it('makes live what was pushed', async () => {
    await dev.ok('up')
    put('web.yaml', deployment('web', { image: 'example.com/web:1' }))
    put('settings.yaml', configMap('settings', { version: '1' }))
    await loop(dev)
    expect(await data('settings')).toEqual({ version: '1' })
  })

  it("Flux's own client reads what we made without complaint", async () => {
    const flux = (...args: readonly string[]): Promise<Run> =>
      run('flux', ['--kubeconfig', process.env['KUBECONFIG'] as string, '--context', 'ksail-dev', ...args])
    const tree = await flux('tree', 'kustomization', 'flux-system')
    expect(tree, tree.stderr).toMatchObject({ code: 0, stderr: '' })
    expect(tree.stdout).toContain('Deployment/default/web')
    const all = await flux('get', 'all', '-A')
    expect(all.code, all.stderr).toBe(0)
    expect(all.stdout + all.stderr).not.toContain('✗')
    for (const kind of ['ocirepository', 'kustomization'])
      expect(all.stdout).toMatch(new RegExp(`${kind}/flux-system\\s+dev@sha256:\\S+\\s+False\\s+True\\s`))
    const folder = mkdtempSync(join(tmpdir(), 'pulled-'))
    const pulled = await run('flux', ['pull', 'artifact', `oci://${await dev.registry()}/k8s:dev`, '--output', folder])
    expect(pulled, pulled.stderr).toMatchObject({ code: 0 })
    expect(pulled.stdout + pulled.stderr).not.toContain('✗')
    expect(readFileSync(join(folder, 'web.yaml'), 'utf8')).toBe(dev.read('k8s/web.yaml'))
    expect(readFileSync(join(folder, 'kustomization.yaml'), 'utf8')).toBe(dev.read('k8s/kustomization.yaml'))
  })

  it('a changed ConfigMap is live when reconcile returns, and not before', async () => {
    const before = (await data('settings'))?.['version']
    const after = `${Date.now()}`
    put('settings.yaml', configMap('settings', { version: after }))
    await dev.ok('workload', 'push')
    expect(await data('settings')).toEqual({ version: before })
    const reconcile = dev.start('workload', 'reconcile')
    const seen: unknown[] = []
    do seen.push((await data('settings'))?.['version'])
    while (reconcile.child.exitCode === null)
    // had it returned too early, the old value would still be there now
    expect(await data('settings')).toEqual({ version: after })
    expect(await reconcile.done).toMatchObject({ code: 0 })
    expect(seen, 'it waited while the old value was there').toContain(before)
    expect(seen.filter((it) => it !== before && it !== after)).toEqual([])
  })

  it('a kustomization that does not build is refused by push, and reported by reconcile', async () => {
    sync()
    const good = dev.read('k8s/kustomization.yaml')
    dev.write('k8s/kustomization.yaml', `${good}  - not-there.yaml\n`)
    const refused = await dev.ksail('workload', 'push')
    expect(refused, refused.stderr).toMatchObject({ code: 3, stdout: '' })
    expect(refused.stderr).toMatch(/kustomization\.yaml/)
    expect(refused.stderr).toMatch(/not-there\.yaml/)
    await fails(dev, 'not-there.yaml', /kustomization.*flux-system|flux-system.*kustomization/i, /build/i)
    sync()
    await loop(dev)
  })

  it('an object without its CRD ends the wait at once', async () => {
    put(
      'widget.yaml',
      stringify({ apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'gear', namespace: 'default' }, spec: {} }),
    )
    await fails(dev, 'Widget', /gear/, /no matches for kind|CustomResourceDefinition|CRD/)
  })

  it('an object without a namespace, which Flux does not take, ends the wait at once', async () => {
    drop('widget.yaml')
    put('homeless.yaml', configMap('homeless', {}).replace(/^ +namespace: .*\n/m, ''))
    await fails(dev, /ConfigMap\S*homeless/, /namespace/)
  })

  it('a failure that was corrected is not held against the next push', async () => {
    drop('homeless.yaml')
    await loop(dev)
  })

  it('a push made by somebody else meanwhile is not taken for ours', async () => {
    put('settings.yaml', configMap('settings', { version: '3' }))
    const ours = digestOf((await dev.ok('workload', 'push')).stdout)
    const theirs = join(mkdtempSync(join(tmpdir(), 'theirs-')), 'k8s')
    cpSync(join(dev.folder, 'k8s'), theirs, { recursive: true })
    writeFileSync(join(theirs, 'settings.yaml'), configMap('settings', { version: 'theirs' }))
    const repository = `${await dev.registry()}/k8s:dev`
    await output('flux', 'push', 'artifact', `oci://${repository}`, '--path', theirs, '--source', 'somebody', '--revision', 'else')
    const digest = await output('oras', 'resolve', '--plain-http', repository)
    expect(digest).not.toBe(ours)

    const result = await dev.ksail('workload', 'reconcile')
    expect(result, result.stderr).toMatchObject({ code: 4, stdout: '' })
    expect(result.ms).toBeLessThan(dev.provider.soon)
    for (const each of [ours, digest]) expect(result.stderr).toContain(each.slice(0, 'sha256:'.length + 7))

    await dev.ok('workload', 'reconcile', '--latest')
    expect(await data('settings')).toEqual({ version: 'theirs' })
    await loop(dev)
    expect(await data('settings')).toEqual({ version: '3' })
  })

  itBringsHelm(dev, { put })

  it('helm-controller is a process like the others from then on', async () => {
    expect(Object.keys(processesOf('dev'))).toContain('helm-controller')
    expect(JSON.parse((await dev.ok('cluster', 'info', '-o', 'json')).stdout)).toMatchObject({ status: 'running', down: [] })
  })
})
