import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { loadProject } from '../../../lib/config/project.ts'
import { createRecord } from '../../../lib/providers/record.ts'
import { KubeError } from '../../../lib/tools/kube-failure.ts'
import type { Kube } from '../../../lib/tools/kube.ts'
import { refuseOthers } from '../../../lib/workload/owner.ts'
import { fakeContext } from '../../fakes/context.ts'
import { fakeKube } from '../../fakes/kube.ts'

interface Setting {
  /** Id in the record of this project's cluster. */
  readonly record?: string
  /** What the cluster says; undefined: it was not made by ksail. */
  readonly notice?: { readonly project: string; readonly directory?: string } | undefined
  readonly context?: string
}

const check = async ({ record, notice, context }: Setting, kube?: Kube): Promise<void> => {
  const ctx = fakeContext()
  const known = { name: 'dev', project: ctx.cwd, provider: 'Docker', distribution: 'Vanilla', kubeconfig: '', context: 'kind-dev' }
  if (record !== undefined) await createRecord(ctx, { ...known, id: record })
  symlinkSync(ctx.cwd, join(ctx.env['HOME']!, 'here'))
  const directory = notice?.directory === 'here' ? join(ctx.env['HOME']!, 'here') : notice?.directory
  const said = { kind: 'ConfigMap', metadata: { name: 'ksail', namespace: 'kube-system' }, data: { ...notice, directory } }
  const project = await loadProject({ name: 'dev', kubeconfig: '/k/config', context }, ctx)
  await refuseOthers(ctx, project, kube ?? fakeKube(...(notice === undefined ? [] : [said])))
}
const theirs = { project: 'b', directory: '/their/app' }

it.each([
  ['is the one of the record', { record: 'a', notice: { ...theirs, project: 'a' } }],
  ['was not made by ksail', { record: 'a' }],
  ['has no record, but was made for this folder', { notice: { project: 'b', directory: 'here' } }],
  ['has no record, and its context is named', { notice: theirs, context: 'kind-dev' }],
] as const)('takes a cluster that %s', async (_what, setting) => expect(await check(setting)).toBeUndefined())

it.each([
  ['the record names another one', { record: 'a', notice: theirs }, /ksail cluster create/],
  ['its context is named, too', { record: 'a', notice: theirs, context: 'kind-dev' }, /ksail cluster create/],
  ['there is no record', { notice: theirs }, /--context kind-dev/],
] as const)('refuses the cluster of another project, with its owner and a hint, where %s', async (_what, setting, hint) => {
  await expect(check(setting)).rejects.toMatchObject({
    exitCode: 4,
    message: 'context kind-dev of /k/config does not lead to cluster dev of this project, but to one of the project in /their/app',
    hint: expect.stringMatching(hint),
  })
})

it('knows nothing where it may not read', async () => {
  const refusing = (status: number): Kube => ({
    ...fakeKube(),
    get: () => Promise.reject(new KubeError('auth', 'forbidden', status)),
  })
  expect(await check({ record: 'a' }, refusing(403))).toBeUndefined()
  await expect(check({ record: 'a' }, refusing(500))).rejects.toThrow('forbidden')
})
