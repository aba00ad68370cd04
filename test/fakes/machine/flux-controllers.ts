import type { Engine } from './engine.ts'
import type { Manifest, Objects } from './objects.ts'

const SOURCES = 'source.toolkit.fluxcd.io/v1/ocirepositories'
const KUSTOMIZATIONS = 'kustomize.toolkit.fluxcd.io/v1/kustomizations'
const REQUESTED = 'reconcile.fluxcd.io/requestedAt'
/** `min-retry-delay` of the fast profile. */
const RETRY = 200
const WORK = 5

const condition = (object: Manifest, type: string, status: 'True' | 'False', reason: string, message: string): object => ({
  type,
  status,
  reason,
  message,
  observedGeneration: object.metadata.generation,
  lastTransitionTime: new Date().toISOString(),
})

/** source- and kustomize-controller: fetch what the tag names in the registry container and apply it, as soon as they run and when they are asked. */
export const createFlux = (engine: Engine, objects: Objects): { readonly look: () => void; readonly end: () => void } => {
  let timer: NodeJS.Timeout | undefined
  let over = false

  const handled = ({ metadata }: Manifest): object => ({
    observedGeneration: metadata.generation,
    lastHandledReconcileAt: metadata.annotations?.[REQUESTED],
  })
  const isCurrent = ({ metadata, status }: Manifest): boolean =>
    status?.observedGeneration === metadata.generation && status?.lastHandledReconcileAt === metadata.annotations?.[REQUESTED]
  const isReady = ({ status }: Manifest): boolean =>
    status?.conditions?.some((it: any) => it.type === 'Ready' && it.status === 'True') === true

  const head = (source: Manifest): { readonly digest: string } | { readonly why: string } => {
    const [, host = '', repository = ''] = /^oci:\/\/([^/]+)\/(.+)$/.exec(source.spec.url) ?? []
    const container = engine.find(host.replace(/:5000$/, ''))
    if (container === undefined || !container.running || !container.networks.has('kind'))
      return { why: `dial tcp: lookup ${host}: no such host` }
    const digest = engine.contentOf(container)?.head(repository, source.spec.ref.tag)
    return digest === undefined ? { why: `MANIFEST_UNKNOWN: manifest unknown; unknown tag=${source.spec.ref.tag}` } : { digest }
  }

  const fetch = (source: Manifest): void => {
    const found = head(source)
    const held = source.status?.artifact
    if ('digest' in found) {
      const revision = `${source.spec.ref.tag}@${found.digest}`
      const ready = condition(source, 'Ready', 'True', 'Succeeded', `stored artifact for digest '${revision}'`)
      objects.status(source, { ...handled(source), artifact: { revision, digest: found.digest }, conditions: [ready] })
    } else {
      const message = `failed to determine artifact digest: ${found.why}`
      const conditions = [
        condition(source, 'Ready', 'False', 'OCIArtifactPullFailed', message),
        condition(source, 'FetchFailed', 'True', 'OCIArtifactPullFailed', message),
      ]
      objects.status(source, { ...handled(source), ...(held === undefined ? {} : { artifact: held }), conditions })
    }
  }

  const apply = (it: Manifest, source: Manifest | undefined): void => {
    const revision = source?.status?.artifact?.revision
    if (revision === undefined) return
    const ready = condition(it, 'Ready', 'True', 'ReconciliationSucceeded', `Applied revision: ${revision}`)
    const entries = [{ id: 'default_greeting__ConfigMap', v: 'v1' }]
    objects.status(it, {
      ...handled(it),
      lastAttemptedRevision: revision,
      lastAppliedRevision: revision,
      inventory: { entries },
      conditions: [ready],
    })
  }

  const look = (): void => {
    timer = undefined
    if (over) return
    for (const it of objects.list('apps/v1/deployments'))
      if (it.status === undefined)
        objects.status(it, {
          observedGeneration: it.metadata.generation,
          replicas: 1,
          readyReplicas: 1,
          availableReplicas: 1,
          updatedReplicas: 1,
        })
    const running = new Set(objects.list('apps/v1/deployments').map(({ metadata }) => metadata.name))
    if (!running.has('source-controller') || !running.has('kustomize-controller')) return
    for (const source of objects.list(SOURCES)) if (!isReady(source) || !isCurrent(source)) fetch(source)
    const sources = objects.list(SOURCES)
    for (const it of objects.list(KUSTOMIZATIONS)) {
      const source = sources.find(({ metadata }) => metadata.name === it.spec.sourceRef.name)
      if (!isCurrent(it) || it.status?.lastAppliedRevision !== source?.status?.artifact?.revision) apply(it, source)
    }
    if (sources.some((source) => !isReady(source))) soon(RETRY)
  }
  const soon = (ms: number): void => {
    if (!over) timer ??= setTimeout(look, ms)
  }
  return {
    look: () => {
      clearTimeout(timer)
      timer = undefined
      soon(WORK)
    },
    end: () => {
      over = true
      clearTimeout(timer)
    },
  }
}
