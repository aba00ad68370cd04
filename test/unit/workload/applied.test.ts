import { describe, expect, it } from 'vitest'
import type { Built } from '../../../lib/artifact/validate.ts'
import type { Applied, AppliedObject } from '../../../lib/engines/engine.ts'
import { judgeApplied } from '../../../lib/workload/applied.ts'

const object = (kind: string, name: string, namespace = 'default', group = ''): AppliedObject & { line: number } => ({
  line: 1,
  group,
  version: 'v1',
  kind,
  namespace,
  name,
})
const maps = (count: number, prefix = 'm', namespace = 'default') =>
  Array.from({ length: count }, (_, index) => object('ConfigMap', `${prefix}${index}`, namespace))
const kustomization = (name: string) => object('Kustomization', name, 'flux-system', 'kustomize.toolkit.fluxcd.io')
const applied = (name: string, path: string, objects: readonly AppliedObject[], over: Partial<Applied> = {}): Applied => ({
  by: `Kustomization flux-system/${name}`,
  self: kustomization(name),
  tag: 'dev',
  path,
  prunes: true,
  names: {},
  objects,
  ...over,
})

interface Trees {
  readonly [folder: string]: readonly AppliedObject[]
}

/** An artifact with these folders; the first one is where the engine starts. */
const judge = async (all: readonly Applied[], trees: Trees, over: Partial<Built> = {}) => {
  const build = async (folder: string): Promise<Built> => ({
    problems: trees[folder] === undefined ? [{ file: folder, text: 'the start folder does not exist in the artifact' }] : [],
    objects: (trees[folder] ?? []) as Built['objects'],
    notes: [],
    forgotten: [],
    whole: trees[folder] !== undefined,
    folders: new Set([folder]),
    rest: '',
    ...over,
  })
  const judged = await judgeApplied(all, await build(Object.keys(trees)[0] ?? ''), build)
  return judged && { gone: judged.gone.map(({ name }) => name), total: judged.total, why: judged.why, by: judged.by }
}

describe('judgeApplied', () => {
  it('lets an edit pass, and refuses when more than half and at least five go', async () => {
    expect(await judge([applied('root', './', maps(9))], { '': maps(5) })).toMatchObject({ gone: ['m5', 'm6', 'm7', 'm8'], why: undefined })
    expect(await judge([applied('root', './', maps(9))], { '': maps(4) })).toEqual({
      gone: ['m4', 'm5', 'm6', 'm7', 'm8'],
      total: 9,
      why: 'it would remove 5 of 9 objects',
      by: ['Kustomization flux-system/root'],
    })
  })

  it('refuses any Namespace', async () => {
    const judged = await judge([applied('root', '', [object('Namespace', 'shop', ''), ...maps(9)])], { '': maps(9) })
    expect(judged?.why).toBe('it would remove Namespace shop with everything in it')
  })

  it('compares all of a chain: what moves from one to another stays', async () => {
    const all = [applied('root', 'clusters/local', [kustomization('apps')]), applied('apps', './apps/', maps(6))]
    const moved = { 'clusters/local': [kustomization('apps'), ...maps(6)], apps: [] }
    expect(await judge(all, moved)).toMatchObject({ gone: [], total: 7 })
    expect(await judge(all, { ...moved, 'clusters/local': [kustomization('apps')] })).toMatchObject({
      why: 'it would remove 6 of 7 objects',
    })
  })

  it('counts what a Kustomization that goes takes with it, although its folder stays', async () => {
    const all = [applied('root', 'clusters/local', [kustomization('apps')]), applied('apps', 'apps', maps(6))]
    expect(await judge(all, { 'clusters/local': [], apps: maps(6) })).toMatchObject({ why: 'it would remove 7 of 7 objects' })
  })

  it('leaves out one whose folder is missing: it fails, and removes nothing', async () => {
    const all = [applied('root', 'clusters/local', [kustomization('apps')]), applied('apps', 'apps', maps(6))]
    expect(await judge(all, { 'clusters/local': [kustomization('apps')] })).toMatchObject({ gone: [], total: 1 })
  })

  it('leaves out one that does not prune', async () => {
    expect(await judge([applied('root', '', maps(9), { prunes: false })], { '': [] })).toMatchObject({ gone: [], total: 0 })
  })

  it.each([
    ['a namespace that the manifests leave to the cluster', maps(6), maps(6, 'm', ''), {}],
    ['another version of the API', maps(6), maps(6).map((it) => ({ ...it, version: 'v2' })), {}],
    ['a namespace that the engine sets', maps(6, 'm', 'team'), maps(6), { namespace: 'team' }],
    ['a name that the engine changes', maps(6, 'x-m'), maps(6), { prefix: 'x-' }],
    ['a hash at the end of a generated name', [object('ConfigMap', 'env-5h2k9mtb46')], [object('ConfigMap', 'env')], {}],
    ['a variable in a name', [object('Deployment', 'web-prod-1')], [object('Deployment', 'web-${stage}-1')], {}],
    [
      'a kind without namespaces that a kustomization gave one',
      [object('Tenant', 't', '', 'x.io')],
      [object('Tenant', 't', 'team', 'x.io')],
      {},
    ],
  ])('knows an object again: %s', async (_name, inventory, after, names) => {
    expect(await judge([applied('root', '', inventory, { names })], { '': after })).toMatchObject({ gone: [] })
  })

  it('does not take another kind, group or name for it', async () => {
    const judged = await judge([applied('root', '', [object('A', 'a'), object('B', 'b', 'default', 'g')])], {
      '': [object('B', 'a'), object('B', 'b'), object('A', 'aa')],
    })
    expect(judged?.gone).toEqual(['a', 'b'])
  })

  it('says nothing about an artifact of which a part cannot be judged', async () => {
    expect(await judge([applied('root', '', maps(9))], { '': [] }, { whole: false })).toBeUndefined()
  })
})
