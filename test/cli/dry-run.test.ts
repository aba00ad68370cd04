import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { createMachines } from '../fakes/machine/machine.ts'
import { emptyFolder, ksail } from './run.ts'

const machines = await createMachines(emptyFolder())
afterAll(() => machines.close())

it('tells everything of a cluster whose tools are yet to be downloaded, and downloads none', async () => {
  const { name, folder, env, refused, engine } = machines.world('dry')
  const bin = emptyFolder()
  const [standIns = ''] = (env['PATH'] ?? '').split(delimiter)
  symlinkSync(join(standIns, 'docker'), join(bin, 'docker'))
  // what the stand-in itself is made of
  symlinkSync('/bin/cat', join(bin, 'cat'))
  const project = join(folder, 'project')
  writeFileSync(join(project, 'ksail.yaml'), `metadata: {name: ${name}}\nspec: {cluster: {gitOpsEngine: Flux}}\n`)
  mkdirSync(join(project, 'k8s'))
  writeFileSync(join(project, 'k8s', 'kustomization.yaml'), 'resources: []\n')

  const { status, stderr } = await ksail(['cluster', 'create', '--dry-run'], { cwd: project, env: { ...env, PATH: bin } })
  expect(status, stderr).toBe(0)
  for (const tool of ['kind', 'kubectl', 'flux', 'oras'])
    expect(stderr).toMatch(new RegExp(`^  ${tool} [\\d.]+ would be downloaded first, from https://\\S+$`, 'm'))
  for (const command of ['kind create cluster', 'oras cp', 'flux install --export']) expect(stderr).toContain(`would run: ${command}`)
  expect(stderr).toContain('name: ksail\n')
  expect([refused, engine.containers.size]).toEqual([[], 0])
})
