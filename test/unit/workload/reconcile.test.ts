import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { writeJson } from '../../../lib/io/files.ts'
import { reconcile, type ReconcileOptions } from '../../../lib/workload/reconcile.ts'
import { fakeContext } from '../../fakes/context.ts'
import { fakeExec } from '../../fakes/exec.ts'
import { fakeKube } from '../../fakes/kube.ts'
import { serveKube } from '../../fakes/kube-server.ts'

const LIVE = `sha256:${'a'.repeat(64)}`
const OTHER = `sha256:${'b'.repeat(64)}`
const conditions = [{ type: 'Ready', status: 'True', reason: 'Succeeded' }]

const cluster = ({ url = 'oci://dev-local-registry:5000/k8s', tag = 'dev' } = {}) =>
  fakeKube(
    {
      apiVersion: 'source.toolkit.fluxcd.io/v1',
      kind: 'OCIRepository',
      metadata: { name: 'flux-system', namespace: 'flux-system', generation: 1 },
      spec: { url, ref: { tag } },
      status: { artifact: { revision: `${tag}@${LIVE}` }, observedGeneration: 1, conditions },
    },
    {
      apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
      kind: 'Kustomization',
      metadata: { name: 'flux-system', namespace: 'flux-system', generation: 1 },
      spec: { sourceRef: { kind: 'OCIRepository', name: 'flux-system' } },
      status: { observedGeneration: 1, lastAppliedRevision: `${tag}@${LIVE}`, lastAttemptedRevision: `${tag}@${LIVE}`, conditions },
    },
  )

interface Setting {
  readonly kube?: ReturnType<typeof cluster>
  readonly config?: string
  readonly pushes?: readonly object[]
  readonly resolves?: string
}

const setUp = async ({ kube = cluster(), config = '', pushes, resolves }: Setting = {}) => {
  const spawn = serveKube(kube)
  const exec = fakeExec(resolves === undefined ? {} : { 'oras resolve localhost:5050/k8s:dev --plain-http': `${resolves}\n` })
  const ctx = fakeContext({ spawn, exec, now: () => performance.now() })
  writeFileSync(
    join(ctx.cwd, 'ksail.yaml'),
    `apiVersion: ksail.io/v1alpha1\nkind: Cluster\nmetadata:\n  name: dev\nspec:\n  cluster:\n    gitOpsEngine: Flux\n${config}`,
  )
  if (pushes !== undefined) await writeJson(join(ctx.cwd, '.ksail', 'last-push.json'), { pushes })
  const run = (options: ReconcileOptions = {}) => reconcile({ timeout: '20s', ...options }, ctx)
  return { ctx, run, spawn, kube }
}
const local = '    localRegistry: localhost:5050\n'
const pushed = (digest: string, over: object = {}) => ({
  repository: 'localhost:5050/k8s',
  tag: 'dev',
  digest,
  at: '2026-01-01T00:00:00Z',
  ...over,
})

describe('which digest is waited for', () => {
  it('is the last push of this project to what the cluster reads, and the first line says so', async () => {
    const { run, ctx, spawn } = await setUp({ config: local, pushes: [pushed(OTHER, { tag: 'staging' }), pushed(LIVE)] })
    expect(await run()).toMatchObject({
      digest: LIVE,
      source: 'OCIRepository/flux-system/flux-system',
      kustomizations: [{ name: 'flux-system' }],
    })
    expect(ctx.texts()[0]).toBe(`reconciling dev to dev@${LIVE.slice(0, 19)} (last push of this project)`)
    expect(spawn.stopped()).toBe(true)
  })

  it('needs no registry setting for that', async () => {
    const { run } = await setUp({ pushes: [pushed(LIVE)] })
    expect(await run()).toMatchObject({ digest: LIVE })
  })

  it('is what the tag names now when nothing was pushed from here', async () => {
    const { run, ctx } = await setUp({ config: local, resolves: LIVE })
    expect(await run()).toMatchObject({ digest: LIVE })
    expect(ctx.texts()[0]).toContain('(what tag dev names now)')
  })

  it.each([
    null,
    7,
    {},
    { ...pushed(OTHER), repository: 5 },
    pushed(OTHER, { repository: '..' }),
    pushed(OTHER, { tag: 7 }),
    pushed('sha256:zz'),
  ])('is no memory that says nothing: %j', async (entry) => {
    const { run } = await setUp({ pushes: [entry as object], resolves: LIVE, config: local })
    expect(await run()).toMatchObject({ digest: LIVE })
  })

  it('is --digest before all', async () => {
    const { run, ctx } = await setUp({ config: local, pushes: [pushed(OTHER)] })
    expect(await run({ digest: LIVE })).toMatchObject({ digest: LIVE })
    expect(ctx.texts()[0]).toContain('(--digest)')
  })

  it('must be a digest', async () => {
    await expect((await setUp()).run({ digest: 'latest' })).rejects.toMatchObject({ code: 'usage' })
  })
})

describe('what stops it before it waits', () => {
  it.each([
    ['another repository', { url: 'oci://dev-local-registry:5000/other' }, 'k8s:dev'],
    ['another tag', { tag: 'main' }, 'k8s:dev'],
    ['another registry', { url: 'oci://ghcr.io/o/k8s' }, 'ghcr.io/o/k8s:dev'],
  ])('a cluster that reads %s', async (_what, source, named) => {
    const { run, kube } = await setUp({ config: local, kube: cluster(source), pushes: [pushed(LIVE)] })
    const error = await run().catch((it: unknown) => it)
    expect(error).toMatchObject({
      code: 'unresolved',
      message: expect.stringContaining(named),
      hint: expect.stringContaining('ksail cluster create'),
    })
    expect(kube.patched).toEqual([])
  })

  it('a cluster that reads nothing', async () => {
    await expect((await setUp({ kube: fakeKube() })).run()).rejects.toMatchObject({
      code: 'unresolved',
      message: expect.stringContaining('reads no artifact'),
    })
  })

  it('a cluster of another project', async () => {
    const { run, kube } = await setUp({ config: local, pushes: [pushed(OTHER)] })
    const notice = { kind: 'ConfigMap', metadata: { name: 'ksail', namespace: 'kube-system' } }
    kube.put({ ...notice, data: { project: 'other', directory: '/their/app' } } as never)
    await expect(run()).rejects.toMatchObject({ exitCode: 4, message: expect.stringContaining('/their/app') })
    expect(kube.patched).toEqual([])
  })

  it('a project without an engine', async () => {
    const { run, ctx } = await setUp()
    writeFileSync(
      join(ctx.cwd, 'ksail.yaml'),
      'apiVersion: ksail.io/v1alpha1\nkind: Cluster\nmetadata:\n  name: dev\nspec:\n  cluster:\n    gitOpsEngine: None\n',
    )
    await expect(run()).rejects.toMatchObject({ code: 'config', message: 'cluster dev has no GitOps engine that could reconcile' })
  })
})

it('names both digests when the tag has moved on', async () => {
  const { run, kube } = await setUp({ config: local, pushes: [pushed(OTHER)], resolves: LIVE })
  kube.onPatch((object) => {
    const handled = object.metadata.annotations?.['reconcile.fluxcd.io/requestedAt']
    kube.put({ ...object, status: { ...(object.status as object), lastHandledReconcileAt: handled } })
  })
  await expect(run()).rejects.toMatchObject({ code: 'conflict', message: `tag dev moved from ${OTHER} to ${LIVE} meanwhile` })
})

it('names both digests when the tag has moved on and the cluster has not seen it yet', async () => {
  const { run } = await setUp({ config: local, pushes: [pushed(LIVE)], resolves: OTHER })
  await expect(run()).rejects.toMatchObject({ code: 'conflict', message: `tag dev moved from ${LIVE} to ${OTHER} meanwhile` })
})
