import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../../../../../lib/base/object.ts'
import type { WaitOptions } from '../../../../../lib/engines/engine.ts'
import type { Kustomization, Source } from '../../../../../lib/engines/flux/wait/objects.ts'
import { waitForDigest } from '../../../../../lib/engines/flux/wait/run.ts'
import type { Target } from '../../../../../lib/base/target.ts'
import { KubeError } from '../../../../../lib/tools/kube-failure.ts'
import { fakeContext } from '../../../../fakes/context.ts'
import { fakeKube as emptyKube, type FakeKube } from '../../../../fakes/kube.ts'

const node: KubeObject<object, object> = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'dev-control-plane' } }
const fakeKube: typeof emptyKube = (...objects) => emptyKube(node, ...objects)

const OLD = `sha256:${'a'.repeat(64)}`
const NEW = `sha256:${'b'.repeat(64)}`
const NEWER = `sha256:${'c'.repeat(64)}`
const at = (digest: string): string => `dev@${digest}`
const ready = (status: string, reason = 'Succeeded', message = '') => ({ type: 'Ready', status, reason, message })

const source = (digest: string, over: Source['status'] = {}): Source => ({
  apiVersion: 'source.toolkit.fluxcd.io/v1',
  kind: 'OCIRepository',
  metadata: { name: 'flux-system', namespace: 'flux-system', generation: 1 },
  spec: { url: 'oci://dev-local-registry:5000/k8s', ref: { tag: 'dev' } },
  status: { artifact: { revision: at(digest) }, observedGeneration: 1, conditions: [ready('True')], ...over },
})

interface Shape {
  readonly digest?: string
  readonly dependsOn?: readonly string[]
  readonly inventory?: readonly string[]
  readonly conditions?: readonly object[]
  readonly attempted?: string
  readonly handled?: string
  readonly spec?: object
}

const kustomization = (
  name: string,
  { digest = OLD, dependsOn = [], inventory = [], conditions = [ready('True')], attempted = digest, handled, spec }: Shape = {},
): Kustomization => ({
  apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
  kind: 'Kustomization',
  metadata: { name, namespace: 'flux-system', generation: 1 },
  spec: { sourceRef: { kind: 'OCIRepository', name: 'flux-system' }, dependsOn: dependsOn.map((it) => ({ name: it })), ...spec },
  status: {
    observedGeneration: 1,
    lastAppliedRevision: at(digest),
    lastAttemptedRevision: at(attempted),
    conditions: conditions as never,
    inventory: { entries: inventory.map((id) => ({ id, v: 'v1' })) },
    ...(handled === undefined ? {} : { lastHandledReconcileAt: handled }),
  },
})

const deployment = (over: object = {}, generation = 1): KubeObject<object, object> => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'default', generation, annotations: { 'deployment.kubernetes.io/revision': '1' } },
  spec: { replicas: 1 },
  status: { observedGeneration: generation, replicas: 1, updatedReplicas: 1, availableReplicas: 1, ...over },
})
const replicaSet: KubeObject<object, object> = {
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: {
    name: 'web-1',
    namespace: 'default',
    annotations: { 'deployment.kubernetes.io/revision': '1' },
    ownerReferences: [{ kind: 'Deployment', name: 'web', uid: '/apis/apps/v1/namespaces/default/deployments/web' }],
  },
}
const pod = (status: object, probes = true): KubeObject<object, object> => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'web-1-x',
    namespace: 'default',
    ownerReferences: [{ kind: 'ReplicaSet', name: 'web-1', uid: '/apis/apps/v1/namespaces/default/replicasets/web-1' }],
  },
  spec: { containers: [{ name: 'web', ...(probes ? { readinessProbe: {} } : {}) }] },
  status,
})
const running = { conditions: [ready('True')], containerStatuses: [{ name: 'web', ready: true, restartCount: 0, state: { running: {} } }] }
const pulling = {
  conditions: [ready('False')],
  containerStatuses: [
    { name: 'web', ready: false, restartCount: 0, state: { waiting: { reason: 'ImagePullBackOff', message: 'no such image' } } },
  ],
}

const target = { name: 'dev', context: 'kind-dev', fluxProfile: 'local', timeout: 20_000 } as Target
const WEB = 'default_web_apps_Deployment'

/** Real time: the wait has safety timers, and nothing here waits for one unless the test is about it. */
const wait = (kube: FakeKube, options: Partial<WaitOptions> = {}, now = () => performance.now()) => {
  const ctx = fakeContext({ now })
  return { ctx, result: waitForDigest(ctx, target, kube, { digest: NEW, tag: 'dev', ...options }) }
}
const handledOf = (object: KubeObject<unknown, unknown>): string => object.metadata.annotations?.['reconcile.fluxcd.io/requestedAt'] ?? ''

/** Controllers that take what is asked for at once. `names` are applied when the source has it. */
const obedient = (kube: FakeKube, names: readonly string[], shape: Shape = {}): void => {
  kube.onPatch((object) => {
    if (object.kind === 'OCIRepository') {
      kube.put({ ...object, ...source(NEW, { lastHandledReconcileAt: handledOf(object) }), metadata: object.metadata })
      for (const name of names) kube.put(kustomization(name, { digest: NEW, ...shape }))
    }
  })
}

describe('waiting for a digest', () => {
  it('writes nothing when it is live already', async () => {
    const kube = fakeKube(
      source(NEW),
      kustomization('flux-system', { digest: NEW, inventory: [WEB] }),
      deployment(),
      replicaSet,
      pod(running),
    )
    const { result } = wait(kube)
    expect(await result).toMatchObject({
      digest: NEW,
      revision: at(NEW),
      workloads: 1,
      kustomizations: [{ name: 'flux-system', revision: at(NEW) }],
    })
    expect(kube.patched).toEqual([])
  })

  it('asks the source once, and nobody else', async () => {
    const kube = fakeKube(source(OLD), kustomization('flux-system'))
    obedient(kube, ['flux-system'])
    await wait(kube).result
    expect(kube.patched).toEqual(['OCIRepository flux-system/flux-system'])
  })

  it('reads while an artifact is on its way, asks when it has arrived, and counts from then', async () => {
    const kube = fakeKube(source(OLD), kustomization('flux-system'))
    obedient(kube, ['flux-system'])
    let arrive = (): void => undefined
    let later = 0
    const after = new Promise<void>((resolve) => void (arrive = resolve))
    const { result } = wait(kube, { after }, () => performance.now() + later)
    await expect.poll(() => kube.listed.length).toBeGreaterThan(0)
    expect(kube.patched).toEqual([])
    later = 3_600_000
    arrive()
    expect((await result).ms).toBeLessThan(3_600_000)
    expect(kube.patched).toEqual(['OCIRepository flux-system/flux-system'])
  })

  it('asks nothing when it does not arrive', async () => {
    const kube = fakeKube(source(OLD), kustomization('flux-system'))
    const lost = Promise.reject(new Error('the registry is full'))
    lost.catch(() => undefined)
    await expect(wait(kube, { after: lost }).result).rejects.toThrow('the registry is full')
    expect(kube.patched).toEqual([])
  })

  it('does not ask a source that was never looked at', async () => {
    const fresh = { ...source(OLD), status: {} }
    const kube = fakeKube(fresh)
    const { result } = wait(kube)
    setTimeout(() => kube.put(source(NEW), kustomization('flux-system', { digest: NEW })), 30)
    await result
    expect(kube.patched).toEqual([])
  })

  it('does not believe a Ready of the revision before', async () => {
    const kube = fakeKube(source(NEW), kustomization('flux-system', { digest: OLD }))
    await expect(wait(kube, { timeout: 300 }).result).rejects.toMatchObject({
      code: 'timeout',
      details: ['Kustomization flux-system/flux-system: has not started on the revision'],
    })
  })

  it('waits for a Kustomization that the revision makes', async () => {
    const kube = fakeKube(source(OLD), kustomization('flux-system'))
    obedient(kube, ['flux-system', 'apps'])
    expect((await wait(kube).result).kustomizations.map(({ name }) => name)).toEqual(['flux-system', 'apps'])
  })

  it('nudges a dependant as soon as its dependency is ready', async () => {
    const blocked = {
      digest: OLD,
      dependsOn: ['infra'],
      conditions: [ready('False', 'DependencyNotReady', "dependency 'flux-system/infra' revision is not up to date")],
    }
    const kube = fakeKube(source(OLD), kustomization('infra'), kustomization('apps', { dependsOn: ['infra'] }))
    kube.onPatch((object) => {
      if (object.kind === 'OCIRepository')
        kube.put(
          source(NEW, { lastHandledReconcileAt: handledOf(object) }),
          kustomization('apps', blocked),
          kustomization('infra', { digest: NEW }),
        )
      else
        kube.put({ ...kustomization('apps', { digest: NEW, dependsOn: ['infra'], handled: handledOf(object) }), metadata: object.metadata })
    })
    const { kustomizations } = await wait(kube).result
    expect(kube.patched).toEqual(['OCIRepository flux-system/flux-system', 'Kustomization flux-system/apps'])
    expect(kustomizations.map(({ name }) => name)).toEqual(['infra', 'apps'])
  })

  it('ends at once when a revision does not build, and names what waits for it', async () => {
    const kube = fakeKube(source(OLD), kustomization('infra'), kustomization('apps', { dependsOn: ['infra'] }))
    kube.onPatch((object) => {
      if (object.kind !== 'OCIRepository') return
      const failed = ready('False', 'BuildFailed', 'kustomize build failed: no such field')
      kube.put(source(NEW, { lastHandledReconcileAt: handledOf(object) }), {
        ...kustomization('infra', { attempted: NEW, conditions: [failed] }),
      })
    })
    const error = await wait(kube).result.catch((it: unknown) => it)
    expect(error).toMatchObject({
      code: 'notReady',
      message: `Kustomization flux-system/infra failed at ${at(NEW).slice(0, 23)}`,
      details: [
        'BuildFailed: no such field',
        'blocked by flux-system/infra: flux-system/apps',
        `last good revision: ${at(OLD).slice(0, 23)}`,
      ],
    })
  })

  it.each([
    [{ KUBECONFIG: '/a:/b' }, '/b', 'run kubectl --context kind-dev -n'],
    [{ HOME: '/home/me' }, '/home/me/.kube/config', 'run kubectl --context kind-dev -n'],
    [{ KUBECONFIG: '/a' }, '/p/kc', 'run kubectl --kubeconfig /p/kc --context kind-dev -n'],
  ])('says what to run next so that it can be pasted: with %j and %s', async (env, kubeconfig, hint) => {
    const ctx = fakeContext({ env, now: () => performance.now() })
    const kube = fakeKube(
      source(NEW),
      kustomization('flux-system', { dependsOn: ['nowhere'], conditions: [ready('False', 'DependencyNotReady')] }),
    )
    await expect(waitForDigest(ctx, { ...target, kubeconfig }, kube, { digest: NEW, tag: 'dev' })).rejects.toMatchObject({
      hint: expect.stringContaining(hint),
    })
  })

  it('tries a failure that was there before once more', async () => {
    const failed = kustomization('flux-system', { digest: OLD, attempted: NEW, conditions: [ready('False', 'BuildFailed')] })
    const kube = fakeKube(source(NEW), failed)
    kube.onPatch((object) =>
      kube.put({ ...kustomization('flux-system', { digest: NEW, handled: handledOf(object) }), metadata: object.metadata }),
    )
    await wait(kube).result
    expect(kube.patched).toEqual(['Kustomization flux-system/flux-system'])
  })

  it('names a dependency that does not exist', async () => {
    const kube = fakeKube(
      source(NEW),
      kustomization('flux-system', { digest: NEW }),
      kustomization('apps', { dependsOn: ['nowhere'], conditions: [ready('False', 'DependencyNotReady')] }),
    )
    await expect(wait(kube).result).rejects.toMatchObject({
      code: 'notReady',
      details: expect.arrayContaining([expect.stringContaining('depends on flux-system/nowhere, which does not exist')]),
    })
  })

  it('refuses a tag that somebody else moved, and follows it when told', async () => {
    const make = () => {
      const kube = fakeKube(source(OLD), kustomization('flux-system'))
      kube.onPatch((object) =>
        kube.put(
          { ...source(NEWER, { lastHandledReconcileAt: handledOf(object) }), metadata: object.metadata },
          kustomization('flux-system', { digest: NEWER }),
        ),
      )
      return kube
    }
    const head = async () => NEWER
    const error = await wait(make(), { head }).result.catch((it: unknown) => it)
    expect(error).toMatchObject({ code: 'conflict', message: `tag dev moved from ${NEW} to ${NEWER} meanwhile` })
    expect(await wait(make(), { head, latest: true }).result).toMatchObject({ digest: NEWER, revision: at(NEWER) })
  })

  it('does not take an older digest for a newer one', async () => {
    const kube = fakeKube(source(OLD), kustomization('flux-system'))
    let asked = 0
    kube.onPatch((object) => {
      asked++
      // the first answer of the registry was a cached one
      kube.put(
        { ...source(asked === 1 ? OLD : NEW, { lastHandledReconcileAt: handledOf(object) }), metadata: object.metadata },
        kustomization('flux-system', { digest: asked === 1 ? OLD : NEW }),
      )
    })
    expect(await wait(kube, { head: async () => NEW }).result).toMatchObject({ digest: NEW })
    expect(asked).toBe(2)
  })

  it('ends at a refused sign-in', async () => {
    const kube = fakeKube(source(OLD), kustomization('flux-system'))
    kube.onPatch((object) => {
      const conditions = [
        ready('False', 'AuthenticationFailed', 'denied'),
        { type: 'FetchFailed', status: 'True', reason: 'AuthenticationFailed' },
      ]
      kube.put({
        ...source(OLD, { lastHandledReconcileAt: handledOf(object), conditions: conditions as never }),
        metadata: object.metadata,
      })
    })
    await expect(wait(kube).result).rejects.toMatchObject({
      code: 'notReady',
      details: ['OCIRepository flux-system/flux-system: AuthenticationFailed: denied'],
    })
  })

  it('leaves out what is suspended, and says so', async () => {
    const kube = fakeKube(source(NEW), kustomization('flux-system', { digest: NEW }), kustomization('apps', { spec: { suspend: true } }))
    const { ctx, result } = wait(kube)
    expect((await result).kustomizations).toHaveLength(1)
    expect(ctx.events).toContainEqual({ kind: 'warn', text: 'not waited for, as suspended or opted out: flux-system/apps' })
  })
})

it.each([
  ['suspended', { spec: { suspend: true } }, 'flux resume kustomization flux-system'],
  ['opted out', { annotations: { 'ksail.io/reconcile-exclude': 'true' } }, 'annotation'],
])(
  'is no success when everything that follows the source is %s',
  async (how, { annotations, ...shape }: { spec?: object; annotations?: Record<string, string> }, hint) => {
    const it = kustomization('flux-system', { digest: OLD, ...shape })
    const kube = fakeKube(source(NEW), { ...it, metadata: { ...it.metadata, ...(annotations === undefined ? {} : { annotations }) } })
    await expect(wait(kube).result).rejects.toMatchObject({
      code: 'notReady',
      message: expect.stringContaining(`Kustomization flux-system/flux-system is ${how}`),
      hint: expect.stringContaining(hint),
    })
  },
)

describe('a release whose chart cannot be had', () => {
  const RELEASE = 'default_podinfo_helm.toolkit.fluxcd.io_HelmRelease'
  const release = (message: string, over: object = {}): KubeObject<object, object> => ({
    apiVersion: 'helm.toolkit.fluxcd.io/v1',
    kind: 'HelmRelease',
    metadata: { name: 'podinfo', namespace: 'default', generation: 1 },
    spec: { chartRef: { kind: 'OCIRepository', name: 'podinfo' } },
    status: {
      observedGeneration: -1,
      conditions: [
        { type: 'Reconciling', status: 'True', reason: 'Progressing', message: 'Fulfilling prerequisites' },
        { ...ready('False', 'SourceNotReady', ` 'default/podinfo' is not ready: ${message}`), observedGeneration: 1 },
      ],
    },
    ...over,
  })
  const chart = (message: string, handled = ''): KubeObject<object, object> => ({
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'OCIRepository',
    metadata: { name: 'podinfo', namespace: 'default', generation: 1 },
    spec: { url: 'oci://ghcr.io/o/podinfo', ref: { tag: '6' } },
    status: {
      lastHandledReconcileAt: handled,
      conditions: [{ type: 'FetchFailed', status: 'True', reason: 'OCIArtifactPullFailed', message, observedGeneration: 1 }],
    },
  })
  const applied = () => kustomization('flux-system', { digest: NEW, inventory: [RELEASE] })
  const MISSING = 'GET https://ghcr.io/v2/o/podinfo/manifests/6: MANIFEST_UNKNOWN: manifest unknown'

  it('is waited for with the reason while that may heal', async () => {
    const silent = 'dial tcp: lookup ghcr.io: no such host'
    const kube = fakeKube(source(NEW), applied(), release(silent), chart(silent))
    await expect(wait(kube, { timeout: 300 }).result).rejects.toMatchObject({
      code: 'timeout',
      details: [`HelmRelease default/podinfo: SourceNotReady: 'default/podinfo' is not ready: ${silent}`],
    })
    expect(kube.patched).toEqual([])
  })

  it('has failed at once where it will not', async () => {
    const kube = fakeKube(source(OLD), kustomization('flux-system'))
    kube.onPatch((object) =>
      kube.put(
        { ...source(NEW, { lastHandledReconcileAt: handledOf(object) }), metadata: object.metadata },
        applied(),
        release(MISSING),
        chart(MISSING),
      ),
    )
    await expect(wait(kube).result).rejects.toMatchObject({
      code: 'notReady',
      message: `HelmRelease default/podinfo failed at ${at(NEW).slice(0, 23)}`,
      details: [`OCIRepository default/podinfo: OCIArtifactPullFailed: ${MISSING}`],
    })
    expect(kube.patched).toEqual(['OCIRepository flux-system/flux-system'])
  })

  it('gets one more try for what was missing before', async () => {
    const mended = (): FakeKube => fakeKube(source(NEW), applied(), release(MISSING), chart(MISSING))
    const still = mended()
    still.onPatch((object) => still.put({ ...chart(MISSING, handledOf(object)), metadata: object.metadata }))
    await expect(wait(still).result).rejects.toMatchObject({ code: 'notReady' })
    expect(still.patched).toEqual(['OCIRepository default/podinfo'])
    const healed = mended()
    healed.onPatch((object) =>
      healed.put(
        { ...object, status: { conditions: [ready('True')], lastHandledReconcileAt: handledOf(object) } },
        release('', { status: { observedGeneration: 1, conditions: [{ ...ready('True'), observedGeneration: 1 }] } }),
      ),
    )
    expect(await wait(healed).result).toMatchObject({ workloads: 1 })
  })
})

it('does not tell what it saw before the cluster went silent as if it were so', async () => {
  const kube = fakeKube(source(NEW), kustomization('flux-system', { digest: OLD }))
  const down = async (): Promise<never> => {
    throw new KubeError('unreachable', 'the cluster does not answer: connect ECONNREFUSED', undefined)
  }
  let lists = 0
  const dying: FakeKube = {
    ...kube,
    list: (path) => (lists++ < 3 ? kube.list(path) : down()),
    watch: () => ({ [Symbol.asyncIterator]: () => ({ next: down }) }),
  }
  const ctx = fakeContext({ now: () => performance.now(), sleep: (ms) => new Promise((resolve) => void setTimeout(resolve, ms)) })
  await expect(waitForDigest(ctx, target, dying, { digest: NEW, tag: 'dev', timeout: 300 })).rejects.toMatchObject({
    code: 'timeout',
    message: expect.stringContaining('is not known to be live'),
    details: ['the cluster does not answer: connect ECONNREFUSED'],
    hint: expect.stringContaining('ksail cluster info'),
  })
})

describe('waiting for the rollout', () => {
  const live = (...more: readonly KubeObject<object, object>[]) =>
    fakeKube(source(NEW), kustomization('flux-system', { digest: NEW, inventory: [WEB] }), replicaSet, ...more)

  it('goes on until the replicas are there', async () => {
    const kube = live(deployment({ availableReplicas: 0 }), pod({ conditions: [ready('False')] }))
    const { result } = wait(kube)
    setTimeout(() => kube.put(pod(running), deployment()), 50)
    expect((await result).phases.rolledOut).toBeGreaterThanOrEqual(40)
  })

  it('ends at an image that cannot be pulled, with the pod and its reason', async () => {
    const kube = live(deployment({ availableReplicas: 0 }), pod(pulling))
    const error = await wait(kube).result.catch((it: unknown) => it)
    expect(error).toMatchObject({
      code: 'notReady',
      message: expect.stringContaining('Deployment default/web failed'),
      details: expect.arrayContaining(['  pod default/web-1-x container web: ImagePullBackOff: no such image']),
    })
  })

  it('takes no failed pod of an earlier revision for a failure', async () => {
    const old = { ...replicaSet, metadata: { ...replicaSet.metadata, annotations: { 'deployment.kubernetes.io/revision': '0' } } }
    const kube = fakeKube(
      source(NEW),
      kustomization('flux-system', { digest: NEW, inventory: [WEB] }),
      old,
      deployment({ availableReplicas: 0 }),
      pod(pulling),
    )
    const { result } = wait(kube)
    setTimeout(() => kube.put(deployment()), 100)
    expect(await result).toMatchObject({ workloads: 1 })
  })

  it('counts a pod without readiness probe only when it stayed up for a moment', async () => {
    const kube = live(deployment(), pod(running, false))
    const { phases } = await wait(kube).result
    expect(phases.rolledOut - phases.applied).toBeGreaterThanOrEqual(1900)
  })

  it('applies again what is gone from the cluster', async () => {
    const kube = live()
    kube.onPatch((object) =>
      kube.put(deployment(), {
        ...kustomization('flux-system', { digest: NEW, inventory: [WEB], handled: handledOf(object) }),
        metadata: object.metadata,
      }),
    )
    await wait(kube).result
    expect(kube.patched).toEqual(['Kustomization flux-system/flux-system'])
  })

  it('says what blocks it when the time is up', async () => {
    const kube = live(deployment({ availableReplicas: 0 }), pod({ conditions: [ready('False')] }))
    await expect(wait(kube, { timeout: 200 }).result).rejects.toMatchObject({
      code: 'timeout',
      details: ['Deployment default/web: 0 of 1 replicas available'],
    })
  })

  it('tells within some seconds what it waits for', async () => {
    const kube = live(deployment({ availableReplicas: 0 }), pod({ conditions: [ready('False')] }))
    const { ctx, result } = wait(kube, { timeout: 2300 })
    await result.catch(() => undefined)
    expect(ctx.events).toContainEqual({ kind: 'wait', text: 'waiting for Deployment default/web: 0 of 1 replicas available' })
  })
})
