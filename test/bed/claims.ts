import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { SOURCE, SYNC } from './kube.ts'
import { digestOf, output, type Run } from './programs.ts'
import type { Project } from './project.ts'

/** Pushes what is in k8s/ and reconciles; both must succeed. */
export const loop = async (dev: Project): Promise<Run> => {
  await dev.ok('workload', 'push')
  return dev.ok('workload', 'reconcile')
}

/** A push that is accepted and a reconcile that must fail soon, naming all of these. */
export const fails = async (dev: Project, ...words: readonly (string | RegExp)[]): Promise<void> => {
  const pushed = await dev.ok('workload', 'push', '--no-validate')
  const result = await dev.ksail('workload', 'reconcile', '--timeout', '5m')
  expect(result, result.stderr).toMatchObject({ code: 1, stdout: '' })
  expect(result.ms).toBeLessThan(dev.provider.soon)
  console.log(`failed after ${(result.ms / 1000).toFixed(1)} s:\n${result.stderr}`)
  for (const word of [...words, digestOf(pushed.stdout).slice(0, 'sha256:'.length + 7)]) expect(result.stderr).toMatch(word)
  const report = result.stderr.slice(result.stderr.indexOf('✗'))
  expect(report.trim().split('\n').length, report).toBeLessThanOrEqual(15)
}

/** The digest that the tag of the first artifact holds now. */
export const tagged = async (dev: Project): Promise<string> => output('oras', 'resolve', '--plain-http', `${await dev.registry()}/k8s:dev`)

/** Every file of a folder with its time of change, .ksail included. */
export const times = (folder: string): Record<string, number> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => {
        const path = join(entry.parentPath, entry.name)
        return [path, statSync(path).mtimeMs]
      }),
  )

/** From an empty folder to a cluster: the same on every provider. */
export const itBegins = (dev: Project): void => {
  const init = ['cluster', 'init', '--name', dev.name, '--distribution', 'Vanilla', '--gitops-engine', 'Flux']

  it('cluster init writes the project and says so for each file', async () => {
    for (const name of readdirSync(dev.folder)) rmSync(join(dev.folder, name), { recursive: true })
    const result = await dev.ok(...init)
    for (const file of [
      'ksail.yaml',
      'kind.yaml',
      'k8s/kustomization.yaml',
      'flux/oci-repository.yaml',
      'flux/kustomization.yaml',
      '.gitignore',
    ]) {
      expect(existsSync(join(dev.folder, file)), file).toBe(true)
      expect(result.stderr + result.stdout).toContain(`created ${file}`)
    }
    expect(existsSync(join(dev.folder, 'k8s/apps/podinfo'))).toBe(true)
    expect(dev.read('ksail.yaml').split('\n')[0]).toMatch(/^# yaml-language-server: \$schema=/)
    expect(dev.read('kind.yaml')).not.toContain(dev.folder)
    await output('kubectl', 'kustomize', join(dev.folder, 'k8s'))

    const again = await dev.ok(...init)
    expect(again.stderr + again.stdout).toContain('kept ksail.yaml')
  })

  it('cluster create ends when the first artifact is live', async () => {
    await dev.close()
    await dev.ok('cluster', 'delete', '--yes')
    const result = await dev.ok('cluster', 'create', '-o', 'json')
    console.log(`cluster create: ${(result.ms / 1000).toFixed(1)} s`)
    const context = dev.provider.contextOf(dev.name)
    expect(await output('kubectl', 'config', 'current-context')).toBe(context)
    const digest = await tagged(dev)
    expect(JSON.parse(result.stdout)).toMatchObject({
      name: dev.name,
      provider: dev.provider.name,
      context,
      reference: `oci://${await dev.registry()}/k8s:dev@${digest}`,
      digest,
    })
    expect(result.stderr).toContain(dev.provider.chosen)
    expect((await dev.get(SOURCE)).status.artifact?.revision).toBe(`dev@${digest}`)
    expect((await dev.get(SYNC)).status.lastAppliedRevision).toBe(`dev@${digest}`)
  })

  it('cluster create again changes nothing and says that it is there', async () => {
    const state = async () => ({
      parts: await dev.parts(),
      writes: await dev.registryWrites(),
      sync: (await dev.get(SYNC)).metadata.resourceVersion,
    })
    const before = await state()
    const result = await dev.ok('cluster', 'create', '-o', 'json')
    expect(JSON.parse(result.stdout)).toMatchObject({ name: dev.name, already: true })
    expect(await state()).toEqual(before)
  })
}

/** On a cluster that `up` made: the same on every provider. */
export const itStaysAsItIs = (one: Project): void =>
  it('up again writes nothing', async () => {
    await one.ok('up')
    const state = async () => ({
      writes: await one.registryWrites(),
      files: times(one.folder),
      parts: await one.parts(),
      source: (await one.get(SOURCE)).metadata.resourceVersion,
      sync: (await one.get(SYNC)).metadata.resourceVersion,
      notice: (await one.get('/api/v1/namespaces/kube-system/configmaps/ksail')).metadata.resourceVersion,
    })
    const earlier = await state()
    const again = await one.ok('up')
    console.log(`up again: ${(again.ms / 1000).toFixed(1)} s`)
    expect(await state()).toEqual(earlier)
    // 2 s on a quiet machine is what the bench measures; a test only guards against waiting for something, on a loaded one, too
    expect(again.ms).toBeLessThan(10_000 + 20 * (await one.ok('--version')).ms)
  })

/** What is empty is taken down without a word of failure: the same on every provider. */
export const itGoesTwice = (one: Project): void =>
  it('down again is a success that says so', async () => {
    await one.ok('down')
    const again = await one.ok('down')
    expect(again.stderr + again.stdout).toMatch(/nothing|no cluster|already|not there/i)
  })
