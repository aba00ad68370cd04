import { describe, expect, it } from 'vitest'
import { deadlocked } from '../../../../../lib/engines/flux/wait/order.ts'
import type { Kustomization, Source } from '../../../../../lib/engines/flux/wait/objects.ts'
import { membersOf, parseEntry } from '../../../../../lib/engines/flux/wait/scope.ts'

const source: Source = { metadata: { name: 'flux-system', namespace: 'flux-system' } }
const kustomization = (
  id: string,
  sourceRef: { kind: string; name: string; namespace?: string },
  inventory: string[] = [],
  deletionTimestamp?: string,
): Kustomization => {
  const [namespace = '', name = ''] = id.split('/')
  return {
    metadata: { name, namespace, deletionTimestamp },
    spec: { sourceRef },
    status: { inventory: { entries: inventory.map((entry) => ({ id: entry, v: 'v1' })) } },
  }
}
const ours = { kind: 'OCIRepository', name: 'flux-system' }
const git = { kind: 'GitRepository', name: 'flux-system' }

describe('entries of an inventory', () => {
  it.each([
    ['default_web_apps_Deployment', { namespace: 'default', name: 'web', group: 'apps', kind: 'Deployment' }],
    [
      '_crds.example.io_apiextensions.k8s.io_CustomResourceDefinition',
      { namespace: '', name: 'crds.example.io', group: 'apiextensions.k8s.io', kind: 'CustomResourceDefinition' },
    ],
    [
      '_system__controller__x_rbac.authorization.k8s.io_ClusterRole',
      { namespace: '', name: 'system:controller:x', group: 'rbac.authorization.k8s.io', kind: 'ClusterRole' },
    ],
    ['default_hello__ConfigMap', { namespace: 'default', name: 'hello', group: '', kind: 'ConfigMap' }],
    ['nonsense', undefined],
  ])('%s', (id, expected) => {
    const entry = parseEntry({ id, v: 'v1' })
    expect(entry).toEqual(expected === undefined ? undefined : { ...expected, version: 'v1' })
  })
})

describe('who must converge', () => {
  const names = (all: Kustomization[]) => membersOf(all, [source]).map(({ id, direct }) => `${id}${direct ? '' : ' (made)'}`)

  it('is who follows the source, from any namespace, and not who follows another kind of that name', () => {
    expect(
      names([
        kustomization('flux-system/a', ours),
        kustomization('team/b', { ...ours, namespace: 'flux-system' }),
        kustomization('team/c', ours),
        kustomization('flux-system/d', git),
      ]),
    ).toEqual(['flux-system/a', 'team/b'])
  })

  it('is also what they made, and what that made in turn, whatever it follows', () => {
    const made = 'flux-system_child_kustomize.toolkit.fluxcd.io_Kustomization'
    const grand = 'team_grand_kustomize.toolkit.fluxcd.io_Kustomization'
    expect(
      names([
        kustomization('flux-system/a', ours, [made]),
        kustomization('flux-system/child', git, [grand]),
        kustomization('team/grand', git),
        kustomization('team/stranger', git),
      ]),
    ).toEqual(['flux-system/a', 'flux-system/child (made)', 'team/grand (made)'])
  })

  it('is nobody who is being removed', () => {
    expect(names([kustomization('flux-system/a', ours), kustomization('flux-system/b', ours, [], '2026-01-01T00:00:00Z')])).toEqual([
      'flux-system/a',
    ])
  })
})

describe('what can never be freed', () => {
  const stuck = (nodes: Parameters<typeof deadlocked>[0], done: string[] = [], others: string[] = []) =>
    deadlocked(nodes, new Set(done), (id) => others.includes(id) || nodes.some((node) => node.id === id)).map(
      ({ id, why }) => `${id} ${why}`,
    )

  it('is a missing dependency and what needs it', () => {
    expect(
      stuck([
        { id: 'a', needs: ['b'] },
        { id: 'b', needs: ['nix'] },
      ]),
    ).toEqual(['a depends on b, which cannot become ready', 'b depends on nix, which does not exist'])
  })

  it('is a cycle', () => {
    expect(
      stuck([
        { id: 'a', needs: ['b'] },
        { id: 'b', needs: ['a'] },
      ]),
    ).toEqual(['a waits for itself through b', 'b waits for itself through a'])
  })

  it('is not who waits for something that exists', () => {
    expect(
      stuck(
        [
          { id: 'a', needs: ['other'] },
          { id: 'b', needs: ['a', 'c'] },
        ],
        ['c'],
        ['other', 'c'],
      ),
    ).toEqual([])
  })
})
