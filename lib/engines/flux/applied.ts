import { idOf } from '../../base/object.ts'
import type { Kube } from '../../tools/kube.ts'
import { collection } from '../../tools/kube-paths.ts'
import type { Applied, ClusterSource } from '../engine.ts'
import type { Kustomization, Source } from './wait/objects.ts'
import { inventoryOf, membersOf } from './wait/scope.ts'

const GROUP = 'kustomize.toolkit.fluxcd.io'

const sourceOf = (source: Source): ClusterSource | undefined =>
  source.spec === undefined
    ? undefined
    : { url: source.spec.url, tag: source.spec.ref?.tag, digest: source.spec.ref?.digest, resource: `OCIRepository/${idOf(source)}` }

/** What the Kustomizations that follow these sources have in their inventories. One that has never applied anything says nothing. */
export const readApplied = async (kube: Kube, reads: (source: ClusterSource) => boolean): Promise<readonly Applied[]> => {
  const [sources, kustomizations] = await Promise.all([
    kube.list<Source>(collection('source.toolkit.fluxcd.io/v1', 'ocirepositories')),
    kube.list<Kustomization>(collection(`${GROUP}/v1`, 'kustomizations')),
  ])
  const found = (sources?.items ?? []).filter((source) => {
    const it = sourceOf(source)
    return it !== undefined && reads(it)
  })
  const tags = new Map(found.map((source) => [idOf(source), source.spec?.ref?.tag]))
  return membersOf(kustomizations?.items ?? [], found).flatMap(({ object, id, direct }): Applied[] => {
    const { spec, status, metadata } = object
    if (!direct || spec === undefined || status?.inventory === undefined) return []
    const [namespace = '', name = ''] = id.split('/')
    // what components bring cannot be told from the folder alone
    const known = (spec.components ?? []).length === 0
    return [
      {
        by: `Kustomization ${id}`,
        self: { group: GROUP, version: 'v1', kind: 'Kustomization', namespace, name },
        tag: tags.get(`${spec.sourceRef.namespace ?? metadata.namespace ?? ''}/${spec.sourceRef.name}`),
        path: spec.path ?? './',
        prunes: spec.prune === true && known,
        names: { namespace: spec.targetNamespace, prefix: spec.namePrefix, suffix: spec.nameSuffix },
        objects: inventoryOf(object),
      },
    ]
  })
}
