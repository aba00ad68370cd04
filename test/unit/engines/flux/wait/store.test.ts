import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../../../../../lib/base/object.ts'
import { follow } from '../../../../../lib/engines/flux/wait/store.ts'
import { KubeError } from '../../../../../lib/tools/kube-failure.ts'
import type { Kube, WatchEvent } from '../../../../../lib/tools/kube.ts'
import { fakeContext } from '../../../../fakes/context.ts'

const object = (name: string, resourceVersion: string): KubeObject => ({ metadata: { name, namespace: 'n', resourceVersion } })
type Script = readonly WatchEvent<KubeObject>[] | Error

/** A collection that plays its lists and watches one after the other; the last watch stays open. */
const scripted = (lists: readonly (readonly KubeObject[] | undefined | Error)[], watches: readonly Script[]) => {
  const seen: string[] = []
  let [list, watch] = [0, 0]
  const kube = {
    list: async () => {
      const items = lists[Math.min(list++, lists.length - 1)]
      seen.push('list')
      if (items instanceof Error) throw items
      return items === undefined ? undefined : { items, resourceVersion: String(10 * list), date: undefined }
    },
    watch: async function* (_path: string, { resourceVersion, signal }: { resourceVersion: string; signal: AbortSignal }) {
      seen.push(`watch ${resourceVersion}`)
      const script = watches[watch++]
      if (script instanceof Error) throw script
      yield* script ?? []
      if (watch >= watches.length) await new Promise((resolve) => signal.addEventListener('abort', resolve))
    },
  } as unknown as Kube
  return { kube, seen }
}

const run = async (lists: Parameters<typeof scripted>[0], watches: Parameters<typeof scripted>[1]) => {
  const { kube, seen } = scripted(lists, watches)
  const stop = new AbortController()
  const errors: unknown[] = []
  const store = await follow<KubeObject>(fakeContext(), kube, '/x', {
    signal: stop.signal,
    changed: () => undefined,
    failed: (error) => void errors.push(error),
  })
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
  const names = () => store.items().map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`)
  return { store, seen, names, errors, stop: () => stop.abort() }
}

describe('a collection that is followed', () => {
  it('takes changes, removals and bookmarks', async () => {
    const it = await run(
      [[object('a', '1'), object('b', '2')]],
      [
        [
          { type: 'MODIFIED', object: object('a', '11') },
          { type: 'DELETED', object: object('b', '12') },
          { type: 'BOOKMARK', object: object('', '20') },
        ],
        [],
      ],
    )
    expect(it.names()).toEqual(['a@11'])
    expect(it.seen).toEqual(['list', 'watch 10', 'watch 20'])
    it.stop()
  })

  it('lists again when the server has forgotten where the watch was', async () => {
    const gone = { type: 'ERROR', object: { ...object('', ''), code: 410 } } as WatchEvent<KubeObject>
    const it = await run([[object('a', '1')], [object('c', '15')]], [[gone], []])
    expect(it.names()).toEqual(['c@15'])
    expect(it.seen).toEqual(['list', 'watch 10', 'list', 'watch 20'])
    it.stop()
  })

  it('goes on after a broken connection', async () => {
    const it = await run([[object('a', '1')], [object('a', '17')]], [new KubeError('unreachable', 'the connection broke', undefined), []])
    expect(it.names()).toEqual(['a@17'])
    it.stop()
  })

  it('asks again for a kind that is not served yet', async () => {
    const it = await run([undefined, undefined, [object('a', '1')]], [[]])
    expect(it.seen.slice(0, 3)).toEqual(['list', 'list', 'list'])
    expect(it.names()).toEqual(['a@1'])
    it.stop()
  })

  it('ends at once at what does not heal', async () => {
    await expect(run([new KubeError('auth', 'forbidden', 403)], [])).rejects.toMatchObject({ code: 'auth' })
    const it = await run([[]], [new KubeError('auth', 'forbidden', 403)])
    expect(it.errors).toEqual([expect.objectContaining({ code: 'auth' })])
    it.stop()
  })

  it('never goes back to an older state', async () => {
    const it = await run([[object('a', '5')]], [[{ type: 'MODIFIED', object: object('a', '4') }], []])
    expect(it.names()).toEqual(['a@5'])
    it.stop()
  })
})
