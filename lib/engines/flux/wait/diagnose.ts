import type { KubeObject } from '../../../base/object.ts'
import { collection } from '../../../tools/kube-paths.ts'
import type { PodProblem } from './pod-failure.ts'
import type { Session } from './session.ts'

/** How long looking for reasons may take, all together. */
const LIMIT = 1000
/** Below the message and above the hint. */
const LINES = 12
const WIDTH = 400

const cut = (text: string, width = WIDTH): string => (text.length > width ? `${text.slice(0, width - 1)}…` : text)

/** A condition's message as a person needs it: without the controller's temporary folders and its own repetitions. */
export const denoise = (message: string): string =>
  message
    .replace(/^kustomize build failed: /, '')
    .replaceAll(/\/tmp\/kustomization-\d+\//g, '')
    .replace(
      /accumulating resources: accumulation err='accumulating resources from '([^']+)':[^]*?(?:evalsymlink failure on|no such file)[^]*/,
      'kustomization names $1, which does not exist',
    )
    .replaceAll(/\s*\n\s*/g, ' ')
    .trim()

/** A digest short enough for a line. */
export const shortRevision = (revision: string): string => revision.replace(/(sha256:[0-9a-f]{12})[0-9a-f]+/, '$1')

export const describeProblem = ({ pod, container, reason, message }: PodProblem): string =>
  cut(
    `  pod ${pod.metadata.namespace ?? ''}/${pod.metadata.name}${container === undefined ? '' : ` container ${container}`}: ${reason}${message === '' ? '' : `: ${message}`}`,
  )

const logsOf = async (
  { kube }: Session,
  { pod, container, restartCount = 0, waiting }: PodProblem,
  lines: number,
): Promise<readonly string[]> => {
  if (container === undefined || (restartCount === 0 && waiting !== undefined)) return []
  const path = `${collection('v1', 'pods', pod.metadata.namespace)}/${pod.metadata.name}/log?container=${encodeURIComponent(container)}&tailLines=${lines}`
  const read = (previous: boolean): Promise<string | undefined> => kube.text(`${path}&previous=${previous}`).catch(() => undefined)
  // of a container that has just crashed the log is still its own; the one before is another run
  const own = await read(false)
  const text = own === undefined || own.trim() === '' || own.startsWith('unable to retrieve') ? await read(true) : own
  return (text ?? '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => cut(`  | ${line}`, 160))
}

type Event = KubeObject & { readonly reason?: string; readonly message?: string; readonly lastTimestamp?: string; readonly type?: string }

/** The newest warnings about an object. */
const eventsOf = async (
  { kube }: Session,
  { namespace, name, kind }: { readonly namespace: string; readonly name: string; readonly kind: string },
  revision: string,
  count: number,
): Promise<readonly string[]> => {
  const selector = encodeURIComponent(`involvedObject.name=${name},involvedObject.kind=${kind},type=Warning`)
  const all = (await kube.list<Event>(`${collection('v1', 'events', namespace)}?fieldSelector=${selector}`))?.items ?? []
  // Flux says which revision an event is about: those of earlier ones explain nothing
  const events = all.filter(({ metadata }) =>
    Object.entries(metadata.annotations ?? {}).every(([key, value]) => !key.endsWith('toolkit.fluxcd.io/revision') || value === revision),
  )
  return events
    .toSorted((a, b) => (a.lastTimestamp ?? '').localeCompare(b.lastTimestamp ?? ''))
    .slice(-count)
    .map(({ reason, message }) => cut(`  event ${reason ?? ''}: ${denoise(message ?? '')}`, 240))
}

const podOf = ({ pod: { metadata } }: PodProblem) => ({ kind: 'Pod', namespace: metadata.namespace ?? '', name: metadata.name })

/** One failure: what failed, and where to look for its reason. */
export interface Finding {
  readonly kind: string
  readonly namespace: string
  readonly name: string
  readonly text: string
  readonly problems: readonly PodProblem[]
}

/**
 * The lines of a report: each failure with its pods, their last words and the warnings about it, most telling first, never more than fit
 * a screen. What cannot be read within a second is left out.
 */
export const diagnose = async (
  session: Session,
  revision: string,
  findings: readonly Finding[],
  after: readonly string[],
): Promise<readonly string[]> => {
  const room = Math.max(1, Math.floor((LINES - after.length) / Math.max(1, findings.length)) - 1)
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => void (timer = setTimeout(() => resolve(undefined), LIMIT)))
  const blocks = findings.map(async (finding) => {
    const pods = finding.problems.slice(0, 2)
    const lines = pods.map(describeProblem)
    // reading the reason must never hide the failure itself
    const about =
      pods[0] === undefined
        ? [eventsOf(session, finding, revision, 2)]
        : [logsOf(session, pods[0], 4), eventsOf(session, podOf(pods[0]), revision, 1)]
    const more = Promise.all(about).catch(() => [])
    const found = (await Promise.race([more, late]))?.flat() ?? []
    // an event that repeats what the condition says is no news
    const told = [finding.text, ...lines].join('\n')
    const news = found.filter((line) => !told.includes(line.replace(/^ {2}event \w+: /, '').replace(/…$/, '')))
    return [cut(finding.text), ...[...lines, ...news].slice(0, room)]
  })
  const lines = (await Promise.all(blocks)).flat()
  clearTimeout(timer)
  return [...lines.slice(0, LINES - after.length), ...after]
}
