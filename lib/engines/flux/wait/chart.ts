import { conditionOf, type Condition, type KubeObject } from '../../../base/object.ts'
import { collection, pluralOf } from '../../../tools/kube-paths.ts'
import type { Workload } from './rollout.ts'
import type { Session } from './session.ts'
import { versionOf, type Store } from './store.ts'

type ChartSource = KubeObject<object, { readonly conditions?: readonly Condition[]; readonly lastHandledReconcileAt?: string }>

const API = 'source.toolkit.fluxcd.io/v1'

/** What the same question will be answered with again: there is no such chart or version, or it is not for us. A silent network is another matter. */
const HOPELESS = /not found|(manifest|name)[ _]unknown|no .* chart .* found|unauthorized|denied|forbidden|AuthenticationFailed|URLInvalid/i

interface ChartSpec {
  readonly chartRef?: { readonly kind: string; readonly name: string; readonly namespace?: string }
  readonly chart?: { readonly spec?: { readonly sourceRef?: { readonly namespace?: string } } }
}

/** The object that fetches the chart of a release: the one it names, else the HelmChart that is made for it. */
const sourceOf = ({ metadata, spec = {} }: Workload): { readonly kind: string; readonly namespace: string; readonly name: string } => {
  const { namespace = '', name } = metadata
  const { chartRef, chart } = spec as ChartSpec
  return chartRef === undefined
    ? { kind: 'HelmChart', namespace: chart?.spec?.sourceRef?.namespace ?? namespace, name: `${namespace}-${name}` }
    : { kind: chartRef.kind, namespace: chartRef.namespace ?? namespace, name: chartRef.name }
}

/** Why the chart of a release cannot be had, where time will not heal it. What failed before this wait gets one more try. */
export const createCharts = (
  session: Session,
  open: (path: string) => Store<ChartSource> | undefined,
  before: () => bigint,
): ((it: Workload) => string | undefined) => {
  const asked = new Map<string, string>()
  return (it) => {
    const { kind, namespace, name } = sourceOf(it)
    const source = open(collection(API, pluralOf(kind), namespace))
      ?.items()
      .find(({ metadata }) => metadata.name === name)
    const { conditions, lastHandledReconcileAt } = source?.status ?? {}
    const failure = conditionOf(conditions, 'FetchFailed')
    if (source === undefined || failure?.status !== 'True' || failure.observedGeneration !== source.metadata.generation) return undefined
    const said = `${failure.reason ?? 'FetchFailed'}: ${failure.message ?? ''}`
    if (!HOPELESS.test(said)) return undefined
    const key = `${source.metadata.uid}@${source.metadata.generation}`
    if (!asked.has(key) && versionOf(source) <= before()) asked.set(key, session.nudge(source, { apiVersion: API, kind }))
    const token = asked.get(key)
    return token === undefined || token === lastHandledReconcileAt ? `${kind} ${namespace}/${name}: ${said}` : undefined
  }
}
