import { join } from 'node:path'
import { perform, type Timing } from '../base/actions.ts'
import { isKsailError, KsailError } from '../base/errors.ts'
import { step } from '../base/events.ts'
import type { Context } from '../base/context.ts'
import { hostPort } from '../base/reference.ts'
import type { Target } from '../base/target.ts'
import { shownPath } from '../config/load.ts'
import { loadProject, type Project } from '../config/project.ts'
import { runtimeOf } from '../distributions/index.ts'
import type { Runtime, SavedLogs } from '../distributions/distribution.ts'
import { engineOf } from '../engines/index.ts'
import type { Engine } from '../engines/engine.ts'
import { checkKubeconfig } from '../io/kubeconfig.ts'
import { withLock } from '../io/lock.ts'
import { resolveProvider } from '../providers/index.ts'
import { lockOf, readRecord, writeRecord } from '../providers/record.ts'
import { needTools } from '../tools/need.ts'
import { sharingKube } from '../tools/kube.ts'
import type { CreateOptions, CreateResult } from './create-options.ts'
import { clearHalfMade, forget, idsOf, recordFor } from './claim.ts'
import { nothingLeft } from './nothing-left.ts'
import { firstPush } from './first-push.ts'
import { planCreate } from './plan.ts'
import { OTHER_NAME, refuseForeign } from './ownership.ts'
import { keepContext } from './switch.ts'
import { syncOf } from './sync.ts'
import { firstLive } from './first-live.ts'

const reportTimings = (ctx: Context, timings: readonly Timing[]): void => {
  for (const { title, at, ms } of timings.toSorted((a, b) => a.at - b.at)) ctx.report({ kind: 'timing', text: title, at, ms })
}

/**
 * Makes the cluster, the registry beside it and the engine, and is done when the first artifact is live. Every step is "ensure": after an
 * interruption at any moment the same call converges. A failure undoes only what this run made.
 *
 * Throws `conflict` for a cluster of that name that is not this project's, `tool` and `unreachable` before anything is made.
 *
 * @example
 * const { context, registry } = await createCluster({ name: 'dev', engine: 'Flux' })
 */
export const createCluster = (options: CreateOptions, ctx: Context): Promise<CreateResult> => createFor(options, ctx, { followed: false })

/** The same for a caller that pushes and reconciles right after it: a cluster that is whole is then not asked for what the push finds out. */
export const createFor = async (
  options: CreateOptions,
  ctx: Context,
  { followed }: { readonly followed: boolean },
): Promise<CreateResult> =>
  options.dryRun === true
    ? (await import('./dry-run.ts')).dryCreate(options, ctx)
    : sharingKube(ctx, () => createNow(options, ctx, followed))

const createNow = async (options: CreateOptions, ctx: Context, followed: boolean): Promise<CreateResult> => {
  const start = ctx.now()
  const project = await loadProject(options, ctx)
  return withLock(ctx, lockOf(ctx, project.target.name), `cluster ${project.target.name}`, async () => {
    const recorded = await readRecord(ctx, project.target.name)
    const provider = await resolveProvider(ctx, { recorded: recorded?.provider, configured: project.config.provider, say: true })
    const runtime = runtimeOf({ ...project.target, provider })
    const context = project.config.context ?? recorded?.context ?? runtime.contextOf(project.target.name)
    const target: Target = { ...project.target, provider, context }
    const engine = engineOf(target.engine)
    await needTools(ctx, [...runtime.tools(target), ...engine.controllers[runtime.controllers.as].tools, 'oras'])
    return create({ ctx, options, project: { ...project, target }, target, runtime, engine, start, followed })
  })
}

interface Request {
  readonly ctx: Context
  readonly options: CreateOptions
  readonly project: Project
  readonly target: Target
  readonly runtime: Runtime
  readonly engine: Engine
  readonly start: number
  readonly followed: boolean
}

const create = async ({ ctx, options, project, target, runtime, engine, start, followed }: Request): Promise<CreateResult> => {
  const adopt = options.adopt === true
  const survey = await clearHalfMade(ctx, target, runtime)
  if (!adopt) refuseForeign(target, survey, OTHER_NAME)
  const making = survey.nodes.length === 0
  const first = firstPush(ctx, project, target)
  if (making) {
    await checkKubeconfig(target.kubeconfig)
    await first.prepare()
  }
  const sync = await syncOf(ctx, target, runtime, { allowShortLived: options.allowShortLived === true })
  const components = await engine.components(ctx, target)
  // without the kinds nothing else is worth making; with Pods it is the cluster that takes long, not they
  if (making && runtime.controllers.as === 'processes') await engine.controllers.processes.manifests(ctx, target, { components })
  const fresh = survey.record === undefined
  const record = await recordFor(ctx, target, survey, adopt)
  const running = !making
  let saved: SavedLogs = []
  try {
    const stopped = survey.nodes.some((node) => !node.running)
    if (stopped)
      await step(ctx, `starting the ${runtime.nouns} of ${target.name}, which are stopped`, () => runtime.start(ctx, target.name, target))
    if (stopped || survey.nodes.some(({ trouble }) => trouble !== undefined))
      await step(ctx, `waiting for the API server of ${target.name}`, () => runtime.ready(ctx, target, target))
    const base = { ctx, target, record, engine, sync, components, runtime }
    const complete = running && (await nothingLeft(base, survey))
    const { actions, outcome } = planCreate({
      ...base,
      running,
      complete,
      adopt,
      followed,
      wanders: survey.container?.wanders === true,
      linked: complete && survey.registryRunning && survey.container?.port === record.port,
      // a cluster that is whole goes on with what its tag holds: create is no push
      push: (port) => first.push(port, { onlyIfMissing: complete }),
      live: () => firstLive(ctx, target, engine, { sent: first.sent(), fresh: making }),
      // from here on the nodes are known by their ids: a kill after this moment finds them whole
      whole: async () => writeRecord(ctx, { ...record, nodes: await idsOf(ctx, target, runtime) }),
    })
    const restore = await keepContext(target, options.switch === false)
    const timings = await perform(ctx, actions, {
      retain: options.retain === true,
      beforeUndo: async () => {
        if (!outcome.nodesMade) return
        const folder = join(target.project, '.ksail', 'logs')
        saved = await runtime.saveLogs(ctx.cleanup(), target.name, folder)
        if (saved.length > 0) ctx.report({ kind: 'note', text: `logs of the ${runtime.nouns} are in ${shownPath(folder, ctx.cwd)}` })
      },
    })
    // everything is there: who interrupts from here on gets a whole cluster with a whole record
    const calm = ctx.cleanup()
    await restore(calm)
    const nodes = running ? survey.nodes.map(({ id }) => id) : await idsOf(calm, target, runtime)
    const adopted = outcome.adopted.length > 0 ? { adopted: [...(record.adopted ?? []), ...outcome.adopted] } : {}
    const now = { ...record, port: outcome.port ?? record.port, nodes, ...adopted }
    if (JSON.stringify(now) !== JSON.stringify(record)) await writeRecord(ctx, now)
    if (options.timings === true) reportTimings(ctx, timings)
    if (outcome.notLive !== undefined) throw stays(target, outcome.notLive)
    const sent = first.sent()
    return {
      name: target.name,
      context: target.context,
      kubeconfig: target.kubeconfig,
      provider: target.provider,
      engine: target.engine,
      registry: target.registry === undefined ? `localhost:${outcome.port}` : hostPort(target.registry),
      reference: sent?.reference,
      digest: outcome.digest ?? sent?.digest,
      pushed: sent !== undefined && !complete,
      already: complete && survey.registryRunning && sent?.changed !== true,
      ms: ctx.now() - start,
    }
  } catch (error) {
    if (fresh && options.retain !== true) await forget(ctx.cleanup(), target, runtime, record)
    throw options.retain === true ? error : pointingTo(saved, error)
  }
}

/** What was made is gone, and its logs are where they were saved. */
const pointingTo = (saved: SavedLogs, error: unknown): unknown => {
  const log = saved.find(({ was }) => isKsailError(error) && error.hint?.includes(was) === true)
  if (log === undefined || !isKsailError(error)) return error
  const { code, message, details, reason } = error
  return new KsailError(code, message, { details, reason, cause: error, hint: error.hint?.replace(log.was, log.file) })
}

/** The cluster is whole, only what it should run is not: saying so is better than taking it away. */
const stays = (target: Target, error: KsailError): KsailError =>
  new KsailError(error.code, `cluster ${target.name} is made, but its first artifact is not live: ${error.message}`, {
    details: error.details,
    cause: error,
    hint: error.hint ?? 'correct the manifests, then run ksail workload push --reconcile',
  })
