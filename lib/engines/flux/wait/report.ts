import { delimiter, resolve } from 'node:path'
import { KsailError, messageOf } from '../../../base/errors.ts'
import { formatDuration } from '../../../base/duration.ts'
import { idOf } from '../../../base/object.ts'
import { defaultKubeconfig } from '../../../io/folders.ts'
import { DOWN } from '../../../tools/kube-failure.ts'
import { denoise, diagnose, shortRevision, type Finding } from './diagnose.ts'
import type { Standing } from './kustomizations.ts'
import { cascade, needsOf } from './order.ts'
import type { Session } from './session.ts'
import { NO_ANSWER, type SourcesVerdict } from './sources.ts'
import type { Judged } from './workloads.ts'

/** Everything that one look has found. */
export interface Picture {
  readonly sources: SourcesVerdict
  readonly standings: readonly Standing[]
  readonly workloads: readonly Judged[]
}

const split = (id: string): { readonly namespace: string; readonly name: string } => ({
  namespace: id.slice(0, id.indexOf('/')),
  name: id.slice(id.indexOf('/') + 1),
})

const described = ({ id, state, object, message, reason }: Standing): string => {
  const progress = object.status?.conditions?.find(({ type, status }) => type === 'Reconciling' && status === 'True')?.message
  const said =
    state === 'pending'
      ? 'has not started on the revision'
      : state === 'building' || state === 'health'
        ? (progress ?? 'is being applied')
        : `${reason}: ${denoise(message)}`
  return `Kustomization ${id}: ${shortRevision(said)}`
}

/** What a wait is blocked by, one line each. */
export const blockersOf = ({ sources, standings, workloads }: Picture): readonly string[] => {
  if (!sources.fetched) return sources.waiting.map(shortRevision)
  const open = standings.filter(({ state }) => state !== 'done' && state !== 'excluded').map(described)
  const rollouts = workloads
    .filter(({ state }) => state !== 'done')
    .map(({ kind, namespace, name, why }) => `${kind} ${namespace}/${name}: ${why}`)
  if (standings.length === 0) return ['no Kustomization follows the source yet']
  return [...open, ...rollouts]
}

const commandFor = ({ ctx, target }: Session, { kind, namespace, name }: Finding): string => {
  const kinds: Readonly<Record<string, string>> = {
    OCIRepository: 'ocirepository',
    Kustomization: 'kustomization.kustomize.toolkit.fluxcd.io',
    HelmRelease: 'helmrelease',
  }
  const { kubeconfig, context } = target
  // one that kubectl does not find by itself is named, so that the line can be pasted
  const found = [ctx.env['KUBECONFIG'] || defaultKubeconfig(ctx.env)]
    .flatMap((it) => it.split(delimiter))
    .some((it) => resolve(ctx.cwd, it) === kubeconfig)
  return `kubectl ${found ? '' : `--kubeconfig ${kubeconfig} `}--context ${context} -n ${namespace} describe ${kinds[kind] ?? kind.toLowerCase()} ${name}`
}

const hintFor = (session: Session, finding: Finding): string => {
  if (finding.text.includes('namespace not specified'))
    return 'give the object a metadata.namespace, or set namespace in its kustomization.yaml: Flux has no current namespace'
  if (finding.kind === 'OCIRepository' && NO_ANSWER.test(finding.text))
    return 'the cluster does not reach the registry: run ksail cluster start, which starts and attaches it'
  return `run ${commandFor(session, finding)}`
}

/** The failures of a picture, in the order in which they should be looked at. */
const findingsOf = (picture: Picture): readonly Finding[] => {
  const { sources, standings, workloads } = picture
  if (sources.failure !== undefined) {
    const { source, reason, message } = sources.failure
    return [
      {
        kind: 'OCIRepository',
        ...split(idOf(source)),
        text: `OCIRepository ${idOf(source)}: ${reason}: ${denoise(message)}`,
        problems: [],
      },
    ]
  }
  const failed = standings
    .filter(({ state }) => state === 'failed')
    .map(({ id, direct, object, reason, message }): Finding => {
      const at = shortRevision((direct ? undefined : object.status?.lastAttemptedRevision) ?? sources.revision)
      return { kind: 'Kustomization', ...split(id), text: `Kustomization ${id} at ${at}: ${reason}: ${denoise(message)}`, problems: [] }
    })
  const rollouts = workloads
    .filter(({ state }) => state === 'failed')
    .map(({ kind, namespace, name, why, problems }): Finding => ({
      kind,
      namespace,
      name,
      problems,
      text: `${kind} ${namespace}/${name} at ${shortRevision(sources.revision)}: ${problems.length > 0 && kind !== 'Job' ? 'does not start' : denoise(why)}`,
    }))
  return [...failed, ...rollouts]
}

/** The error that says what failed, why, what that takes with it, and what to run next. */
export const failureReport = async (session: Session, picture: Picture): Promise<KsailError> => {
  const { standings, sources } = picture
  const findings = findingsOf(picture)
  const nodes = standings.map(({ id, object }) => ({ id, needs: needsOf(object.metadata.namespace ?? '', object.spec?.dependsOn) }))
  const idsOf = (state: Standing['state']): ReadonlySet<string> => new Set(standings.filter((it) => it.state === state).map(({ id }) => id))
  const { blocked } = cascade(nodes, idsOf('failed'), idsOf('done'))
  const good = standings
    .filter(({ state }) => state === 'failed')
    .map(({ object }) => object.status?.lastAppliedRevision)
    .find((it) => it !== undefined && it !== sources.revision)
  const after = [
    ...(blocked.length === 0
      ? []
      : [`blocked by ${[...new Set(blocked.map(({ root }) => root))].join(', ')}: ${blocked.map(({ id }) => id).join(', ')}`]),
    ...(good === undefined ? [] : [`last good revision: ${shortRevision(good)}`]),
  ]
  const shown = findings.slice(0, 4)
  const more = findings.length > shown.length ? [`and ${findings.length - shown.length} more`] : []
  const first = findings[0]
  const what = first === undefined ? 'the revision' : `${first.kind} ${first.namespace}/${first.name}`
  const revision = shortRevision(sources.revision)
  // of a single failure the headline says already what it is about
  const told = ({ text, ...finding }: Finding): Finding => ({
    ...finding,
    text: findings.length === 1 ? text.replace(`${what} at ${revision}: `, '') : text,
  })
  return new KsailError('notReady', `${what} failed at ${revision}`, {
    details: await diagnose(session, sources.revision, shown.map(told), [...more, ...after]),
    hint: first === undefined ? undefined : hintFor(session, first),
  })
}

/** The error that names everything that was not done when the time ran out. */
export const timeoutReport = async (session: Session, picture: Picture, timeout: number): Promise<KsailError> => {
  const lost = session.lost()
  // what was seen before says nothing about now
  if (lost !== undefined)
    return new KsailError(
      'timeout',
      `${shortRevision(picture.sources.revision)} is not known to be live after ${formatDuration(timeout)}`,
      {
        details: [messageOf(lost)],
        hint: DOWN,
      },
    )
  const blockers = blockersOf(picture)
  const problems = picture.workloads.flatMap((it) => (it.state === 'done' ? [] : it.problems)).slice(0, 2)
  const shown = blockers.slice(0, 8)
  const first = picture.workloads.find(({ state }) => state !== 'done')
  const standing = picture.standings.find(({ state }) => state !== 'done' && state !== 'excluded')
  const finding: Finding =
    standing !== undefined
      ? { kind: 'Kustomization', ...split(standing.id), text: '', problems: [] }
      : first !== undefined
        ? { kind: first.kind, namespace: first.namespace, name: first.name, text: '', problems: [] }
        : { kind: 'OCIRepository', namespace: 'flux-system', name: 'flux-system', text: '', problems: [] }
  const details =
    problems.length === 0
      ? []
      : (await diagnose(session, picture.sources.revision, [{ ...finding, text: '', problems }], []))
          .filter((line) => line !== '')
          .slice(0, 4)
  return new KsailError('timeout', `${shortRevision(picture.sources.revision)} is not live after ${formatDuration(timeout)}`, {
    details: [...shown, ...(blockers.length > shown.length ? [`and ${blockers.length - shown.length} more`] : []), ...details],
    hint: `run ${commandFor(session, finding)}, or pass a longer --timeout`,
  })
}
