import type { Action } from '../base/actions.ts'
import type { Context } from '../base/context.ts'
import { isKsailError } from '../base/errors.ts'
import { hostPort } from '../base/reference.ts'
import type { Target } from '../base/target.ts'
import { loadProject } from '../config/project.ts'
import { runtimeOf } from '../distributions/index.ts'
import { engineOf } from '../engines/index.ts'
import { privateFolder } from '../io/private.ts'
import { resolveProvider } from '../providers/index.ts'
import { readRecord, type ClusterRecord } from '../providers/record.ts'
import { lookingOnly, previewOneOf, previewTools } from '../tools/dry.ts'
import { sharingKube } from '../tools/kube.ts'
import type { CreateOptions, CreateResult } from './create-options.ts'
import { firstPush } from './first-push.ts'
import { nothingLeft } from './nothing-left.ts'
import { OTHER_NAME, refuseForeign, surveyCluster } from './ownership.ts'
import { planCreate } from './plan.ts'
import type { PlannedStep } from './preview.ts'
import { syncOf } from './sync.ts'
import { tellStep } from './tell.ts'

/** Stands for what only making it tells. */
const NEW = 'NEW-ID'

const look = async (ctx: Context, actions: readonly Action[], before: readonly PlannedStep[]): Promise<readonly PlannedStep[]> => {
  const planned: PlannedStep[] = []
  const known = new Set(before.flatMap((step) => step.commands))
  // one after the other: what an earlier one would do is known to the next
  for (const { title, preview } of actions) {
    const { commands: all, says } = (await preview?.()) ?? { commands: [], says: undefined }
    const commands = all.filter((command) => !known.has(command))
    const step = { title, commands, already: commands.length === 0 && says === undefined }
    tellStep(ctx, step, says)
    planned.push(step)
  }
  return planned
}

/** Where the files of a project are that would be written first. */
export type Staged = Pick<Target, 'source' | 'distributionConfig'>

interface DryOptions {
  /** Today's tree would be sent in any case, as `up` does. */
  readonly pushes?: boolean | undefined
  readonly staged?: Staged | undefined
}

/** What `createCluster` would do, told and returned: everything is looked at, nothing is written or started. */
export const dryCreate = async (options: CreateOptions, real: Context, more: DryOptions = {}): Promise<CreateResult> => {
  const ctx = lookingOnly(real)
  const aside = await privateFolder(ctx, 'dry-run')
  try {
    return await sharingKube(ctx, () => dryNow(options, { ...more, ctx, real, layouts: aside.path }))
  } finally {
    await aside.remove()
  }
}

/** Whether work could be done with the tools that are here. */
const unlessMissing = async (work: Promise<unknown>): Promise<boolean> => {
  try {
    await work
    return true
  } catch (error) {
    if (!isKsailError(error, 'tool')) throw error
    return false
  }
}

interface Dry extends DryOptions {
  readonly ctx: Context
  /** The one that would get tools. */
  readonly real: Context
  readonly layouts: string
}

const dryNow = async (options: CreateOptions, { ctx, real, pushes = false, staged, layouts }: Dry): Promise<CreateResult> => {
  const start = ctx.now()
  const loaded = await loadProject(options, ctx)
  const { name } = loaded.target
  const recorded = await readRecord(ctx, name)
  const provider = await resolveProvider(ctx, { recorded: recorded?.provider, configured: loaded.config.provider, say: true })
  const runtime = runtimeOf({ ...loaded.target, provider })
  const context = loaded.config.context ?? recorded?.context ?? runtime.contextOf(name)
  const target: Target = { ...loaded.target, provider, context, ...staged }
  const configured = engineOf(target.engine)
  const { as } = runtime.controllers
  const controllers = configured.controllers[as]
  const missing = await previewTools(real, ctx, [...runtime.tools(target), ...controllers.tools, 'oras'])
  const components = await configured.components(ctx, target)
  const isMade = await unlessMissing(controllers.manifests(ctx, target, { components }))
  if (!isMade) missing.push(...(await previewOneOf(real, ctx, controllers.makers ?? [])))
  for (const text of missing) ctx.report({ kind: 'note', text })
  // what a tool makes that is yet to come is in nothing that is shown but the fingerprint
  const unmade = { ...configured.controllers, [as]: { ...controllers, manifests: async () => '' } }
  const engine = isMade ? configured : { ...configured, controllers: unmade }
  const survey = await surveyCluster(ctx, target)
  if (options.adopt !== true) refuseForeign(target, survey, OTHER_NAME)
  const halfMade = survey.state === 'half-made'
  const running = survey.nodes.length > 0 && !halfMade
  const first = firstPush(ctx, { ...loaded, target }, target, { layouts })
  if (!running) await first.prepare()
  const sync = await syncOf(ctx, target, runtime, { allowShortLived: options.allowShortLived === true })
  const record: ClusterRecord = survey.record ?? {
    id: NEW,
    name,
    project: target.project,
    provider,
    distribution: target.distribution,
    created: '',
    kubeconfig: target.kubeconfig,
    context,
  }
  const planned: PlannedStep[] = []
  const tell = (title: string, commands: readonly string[]): void => {
    const step = { title, commands, already: false }
    tellStep(ctx, step)
    planned.push(step)
  }
  if (halfMade)
    tell(`${runtime.nouns} of ${name} that an earlier create left half-made`, await runtime.preview.remove(ctx, name, target.kubeconfig))
  const stopped = running && survey.nodes.some((node) => !node.running)
  if (stopped) tell(`${runtime.nouns} of ${name} are stopped`, await runtime.preview.start(ctx, name))
  const base = { ctx, target, record, engine, sync, components, runtime }
  if (stopped) ctx.report({ kind: 'note', text: `what is in cluster ${name} cannot be seen while it is stopped: it is taken to be whole` })
  const complete = running && missing.length === 0 && (stopped || (await nothingLeft(base, survey, { dryRun: true })))
  const linked = complete && survey.registryRunning && survey.container?.port === record.port
  const { actions, outcome } = planCreate({
    ...base,
    running,
    complete,
    adopt: options.adopt === true,
    followed: false,
    wanders: survey.container?.wanders === true,
    linked,
    push: async () => undefined,
    previewPush: (port) =>
      first.preview(port, { onlyIfMissing: complete && !pushes, answers: survey.registryRunning || target.registry !== undefined }),
    live: async () => undefined,
    whole: async () => undefined,
  })
  planned.push(...(await look(ctx, actions, planned)))
  return {
    name,
    context,
    kubeconfig: target.kubeconfig,
    provider,
    engine: target.engine,
    registry: target.registry === undefined ? `localhost:${outcome.port}` : hostPort(target.registry),
    reference: undefined,
    digest: undefined,
    pushed: false,
    already: planned.every(({ already }) => already),
    planned,
    ms: ctx.now() - start,
  }
}
