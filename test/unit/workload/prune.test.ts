import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Described } from '../../../lib/artifact/facts.ts'
import type { Built } from '../../../lib/artifact/validate.ts'
import type { LastPush } from '../../../lib/workload/last-push.ts'
import { rememberObjects } from '../../../lib/workload/objects.ts'
import { guardPrune, type PruneOptions } from '../../../lib/workload/prune.ts'
import type { Remote } from '../../../lib/workload/remote.ts'
import { fakeContext } from '../../fakes/context.ts'

const [OLD, NEW] = [`sha256:${'1'.repeat(64)}`, `sha256:${'2'.repeat(64)}`]
const maps = (...names: readonly string[]): readonly Described[] =>
  names.map((name) => ({ line: 1, group: '', version: 'v1', kind: 'ConfigMap', namespace: 'default', name }))
const built = (objects: readonly Described[]): Built => ({
  problems: [],
  objects,
  notes: [],
  forgotten: [],
  whole: true,
  folders: new Set(['']),
  rest: 'same',
})

/** A push of `after` where `dev` holds `a` and `b`, pushed from here. */
const guard = async (after: readonly Described[], last: Partial<LastPush> | undefined, over: Partial<PruneOptions> = {}) => {
  const ctx = fakeContext()
  const memory = join(ctx.cwd, 'memory')
  mkdirSync(memory)
  await rememberObjects({ memory, digest: OLD }, './', built(maps('a', 'b')))
  let asked = 0
  const compared = await guardPrune(ctx, {} as Remote, {
    artifact: { artifacts: memory, memory, digest: NEW, entries: [] },
    built: built(after),
    start: './',
    tags: ['dev'],
    heads: new Map([['dev', OLD]]),
    last: last && { repository: 'r', tag: 'dev', digest: OLD, at: '', ...last },
    inventories: async () => void asked++,
    allowPrune: false,
    ...over,
  })
  return { asked, compared, texts: ctx.texts() }
}

describe('guardPrune', () => {
  it('does not wait for the cluster when nothing goes since a push that was compared', async () => {
    expect(await guard(maps('a', 'b', 'c'), { compared: true })).toMatchObject({ asked: 0, compared: true })
  })

  it.each([
    ['an object goes', maps('a'), { compared: true as const }, {}],
    [
      'a file changes that nothing here reads',
      maps('a', 'b'),
      { compared: true as const },
      { built: { ...built(maps('a', 'b')), rest: 'other' } },
    ],
    ['the push before was not compared', maps('a', 'b'), {}, {}],
    ['nothing was pushed from here', maps('a', 'b'), undefined, {}],
    ['somebody else moved the tag', maps('a', 'b'), { compared: true as const, digest: `sha256:${'3'.repeat(64)}` }, {}],
    ['another tag moves, too', maps('a', 'b'), { compared: true as const }, { tags: ['dev', 'staging'] }],
    ['the tag is new', maps('a', 'b'), { compared: true as const }, { heads: new Map() }],
  ])('asks the cluster when %s', async (_name, after, last, over) => {
    expect(await guard(after, last, over)).toMatchObject({ asked: 1, compared: false })
  })

  it('says when neither the cluster nor the tag could be read', async () => {
    const text = 'what the push would remove was not compared with dev, which could not be read'
    expect((await guard(maps('a'), undefined, { heads: new Map() })).texts).toEqual([text])
    expect((await guard(maps('a'), undefined, { heads: new Map([['dev', undefined]]) })).texts).toEqual([])
  })

  it('asks nothing when nothing moves', async () => {
    expect(await guard([], {}, { heads: new Map([['dev', NEW]]) })).toMatchObject({ asked: 0, compared: false })
  })

  it('compares with the tag alone where a part of the artifact cannot be judged', async () => {
    expect(await guard([], { compared: true }, { built: { ...built([]), whole: false } })).toMatchObject({ asked: 0, compared: false })
  })
})
