import type { KubeObject } from '../../lib/base/object.ts'
import { KubeError } from '../../lib/tools/kube-failure.ts'
import type { Kube, WatchEvent } from '../../lib/tools/kube.ts'
import { collection, pluralOf } from '../../lib/tools/kube-paths.ts'

type Any = KubeObject<unknown, unknown>

interface Watcher {
  readonly path: string
  push(event: WatchEvent<Any>): void
}

/** Collections that hold an object: of its namespace and of the cluster. */
const pathsOf = ({ apiVersion = 'v1', kind = '', metadata }: Any): readonly string[] => {
  const plural = pluralOf(kind)
  return [collection(apiVersion, plural), ...(metadata.namespace === undefined ? [] : [collection(apiVersion, plural, metadata.namespace)])]
}

const keyOf = (it: Any): string => `${pathsOf(it).at(-1)}/${it.metadata.name}`

export interface FakeKube extends Kube {
  /** Makes or changes an object, as a controller would. */
  put(...objects: readonly Any[]): void
  remove(object: Any): void
  /** The object as it is now. */
  now<T extends Any>(object: Any): T
  /** What was patched: `Kind namespace/name`. */
  readonly patched: string[]
  readonly listed: string[]
  /** Plays the controllers: called after each patch with the object as it is then. */
  onPatch(react: (object: Any) => void): void
}

/** An API server in memory: lists, watches and patches of what was put into it. */
export const fakeKube = (...initial: readonly Any[]): FakeKube => {
  let version = 1000
  const objects = new Map<string, Any>()
  const watchers = new Set<Watcher>()
  const patched: string[] = []
  const listed: string[] = []
  let react: (object: Any) => void = () => undefined
  /** What happened, for those that ask from an earlier version on: a watch misses nothing after its list. */
  const past: WatchEvent<Any>[] = []
  const tell = (type: WatchEvent<Any>['type'], object: Any): void => {
    past.push({ type, object })
    for (const watcher of watchers) if (pathsOf(object).includes(watcher.path)) watcher.push({ type, object })
  }
  const put = (...given: readonly Any[]): void => {
    for (const it of given) {
      const known = objects.get(keyOf(it))
      const object = { ...it, metadata: { uid: keyOf(it), ...it.metadata, resourceVersion: String(++version) } }
      objects.set(keyOf(it), object)
      tell(known === undefined ? 'ADDED' : 'MODIFIED', object)
    }
  }
  put(...initial)
  const unexpected = (what: string) => (): never => {
    throw new Error(`the fake cluster was not told about: ${what}`)
  }
  return {
    put,
    patched,
    listed,
    now: <T extends Any>(object: Any): T => objects.get(keyOf(object)) as T,
    remove: (it) => {
      const known = objects.get(keyOf(it))
      if (known === undefined) return
      objects.delete(keyOf(it))
      tell('DELETED', { ...known, metadata: { ...known.metadata, resourceVersion: String(++version) } })
    },
    onPatch: (next) => void (react = next),
    get: async <T>(path: string) => objects.get(path) as T | undefined,
    text: async () => undefined,
    list: async <T>(path: string) => {
      const [bare] = path.split('?')
      listed.push(bare!)
      return {
        items: [...objects.values()].filter((it) => pathsOf(it).includes(bare!)) as T[],
        resourceVersion: String(version),
        date: undefined,
      }
    },
    patch: async <T>(path: string, body: unknown) => {
      const known = objects.get(path)
      if (known === undefined) throw new KubeError('failed', `changing ${path}: not found`, 404)
      const { annotations } = (body as { metadata: { annotations: Record<string, string> } }).metadata
      patched.push(`${known.kind} ${known.metadata.namespace}/${known.metadata.name}`)
      put({ ...known, metadata: { ...known.metadata, annotations: { ...known.metadata.annotations, ...annotations } } })
      react(objects.get(path)!)
      return objects.get(path) as T
    },
    apply: unexpected('apply'),
    delete: unexpected('delete'),
    watch: async function* <T>(path: string, { resourceVersion, signal }: { resourceVersion: string; signal?: AbortSignal | undefined }) {
      const queue = past.filter(
        ({ object }) => pathsOf(object).includes(path) && Number(object.metadata.resourceVersion) > Number(resourceVersion),
      )
      let wake: () => void = () => undefined
      const watcher: Watcher = {
        path,
        push: (event) => {
          queue.push(event)
          wake()
        },
      }
      watchers.add(watcher)
      signal?.addEventListener('abort', () => wake())
      try {
        while (signal?.aborted !== true) {
          while (queue.length > 0) yield queue.shift() as WatchEvent<T>
          await new Promise<void>((resolve) => {
            wake = resolve
            if (queue.length > 0 || signal?.aborted === true) resolve()
          })
        }
      } finally {
        watchers.delete(watcher)
      }
    },
    close: async () => undefined,
  }
}
