import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { configMap, describeOnHost, hostProject } from './bed.ts'

const NAME = 'prune'
const root = (...resources: readonly string[]): string =>
  `apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [${resources.join(', ')}]\n`
const namespace = (name: string): string => `apiVersion: v1\nkind: Namespace\nmetadata:\n  name: ${name}\n`
const child = `apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: { name: apps, namespace: flux-system }
spec:
  interval: 10m
  path: ./apps
  prune: true
  sourceRef: { kind: OCIRepository, name: flux-system }
`
const names = ['a', 'b', 'c', 'd', 'e', 'f']
const maps = (of: readonly string[]): Record<string, string> =>
  Object.fromEntries(of.map((name) => [`${name}.yaml`, configMap(name, name)]))

describeOnHost('what a push would remove', () => {
  const project = hostProject(NAME)
  const { ok, ksail, kubectl, write, put } = project
  const sleepSource = (suspend: boolean): Promise<string> =>
    kubectl('patch', 'ocirepository', 'flux-system', '-n', 'flux-system', '--type=merge', '-p', `{"spec":{"suspend":${suspend}}}`)
  afterAll(project.remove)

  it('is asked of a cluster', () => ok('up'))

  it('is counted from what the cluster has applied, not from what the tag holds', async () => {
    await sleepSource(false)
    put(maps(names))
    await ok('workload', 'push', '--reconcile')
    // the tag goes on, the cluster does not
    await sleepSource(true)
    put(maps(['a']))
    const allowed = await ok('workload', 'push', '--allow-prune')
    expect(allowed.stderr).toContain('it would remove 5 of 6 objects, compared with what Kustomization flux-system/flux-system has applied')
    put(maps(['b']))
    const { code, stderr } = await ksail('workload', 'push', '--dry-run')
    expect(code).toBe(3)
    expect(stderr).toContain('5 of 6 objects, compared with what Kustomization flux-system/flux-system has applied')
    for (const name of names.filter((it) => it !== 'b')) expect(stderr).toContain(`ConfigMap default/${name}`)
    expect(stderr).not.toContain('ConfigMap default/b')
  })

  it('leaves out what the cluster was told to keep', async () => {
    await sleepSource(false)
    put(maps(names))
    await ok('workload', 'push', '--reconcile')
    for (const name of ['b', 'c'])
      await kubectl('annotate', 'configmap', name, '-n', 'default', 'kustomize.toolkit.fluxcd.io/prune=disabled')
    put(maps(['a']))
    await ok('workload', 'push', '--dry-run')
    for (const name of ['b', 'c']) await kubectl('annotate', 'configmap', name, '-n', 'default', 'kustomize.toolkit.fluxcd.io/prune-')
    expect(await ksail('workload', 'push', '--dry-run')).toMatchObject({ code: 3 })
  })

  it('is counted over a chain of Kustomizations', async () => {
    put({ 'apps.yaml': child, 'ns.yaml': namespace('shop') })
    for (const name of names) write(`k8s/apps/${name}.yaml`, configMap(name, 'chain'))
    write('k8s/apps/kustomization.yaml', root(...names.map((name) => `${name}.yaml`)))
    await ok('workload', 'push', '--reconcile')
    expect(await project.value('f')).toBe('chain')
    write('k8s/apps/kustomization.yaml', root('a.yaml'))
    const fewer = await ksail('workload', 'push')
    expect(fewer).toMatchObject({ code: 3 })
    expect(fewer.stderr).toContain('5 of 8 objects, compared with what Kustomization flux-system/apps has applied')
    write('k8s/apps/kustomization.yaml', root(...names.map((name) => `${name}.yaml`)))
    write('k8s/kustomization.yaml', root('apps.yaml'))
    const gone = await ksail('workload', 'push')
    expect(gone).toMatchObject({ code: 3 })
    expect(gone.stderr).toContain('Namespace shop')
  })

  it('is counted over a folder where only the cluster starts, however little else a push changes', async () => {
    const tree = (): void => {
      put({ 'apps.yaml': child, 'ns.yaml': namespace('shop') })
      const own = Array.from({ length: 20 }, (_, index) => `own-${index}`)
      for (const [folder, maps] of Object.entries({ apps: names, own })) {
        for (const name of maps) write(`k8s/${folder}/${name}.yaml`, configMap(name, folder))
        write(`k8s/${folder}/kustomization.yaml`, root(...maps.map((name) => `${name}.yaml`)))
      }
    }
    tree()
    await ok('workload', 'push', '--reconcile')
    write('own.yaml', child.replace('name: apps', 'name: own').replace('./apps', './own'))
    await kubectl('apply', '-f', join(project.folder, 'own.yaml'))
    await kubectl('wait', '--for=condition=Ready', '--timeout=30s', '-n', 'flux-system', 'kustomization/own')
    write('k8s/apps/a.yaml', configMap('a', 'later'))
    await ok('workload', 'push', '--reconcile')
    write('k8s/own/kustomization.yaml', root('own-0.yaml'))
    const fewer = await ksail('workload', 'push')
    expect(fewer).toMatchObject({ code: 3 })
    expect(fewer.stderr).toMatch(/it would remove 19 of \d+ objects, compared with what Kustomization flux-system\/own has applied/)
    await kubectl('delete', 'kustomization', 'own', '-n', 'flux-system')
    tree()
    await ok('workload', 'push', '--reconcile')
    write('k8s/kustomization.yaml', root('apps.yaml'))
  })

  it('is counted from the tag where no cluster can be asked', async () => {
    const { code, stderr } = await ksail('workload', 'push', '--kubeconfig', '/nowhere')
    expect(code).toBe(3)
    expect(stderr).toMatch(/Namespace shop with everything in it, compared with dev@sha256:/)
  })
})
