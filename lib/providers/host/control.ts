import { formatDuration } from '../../base/duration.ts'
import { KsailError } from '../../base/errors.ts'
import type { Context } from '../../base/context.ts'
import { telling } from '../../base/events.ts'
import { ANSWER, apiOf, applyManifests, knownGroup, manifestsIn, servedKind, type Api, type ApiPatience } from './api.ts'
import { componentOf, components, isComponent, type ComponentName } from './components.ts'
import { endedError } from './complaint.ts'
import { ensureComponent } from './ensure.ts'
import { portsOf } from './ports.ts'
import { isReady, troubleOf } from './readiness.ts'
import { isOver, patienceOf, type Patience } from './patience.ts'
import { componentNames, endComponents, findProcess, refind } from './process.ts'
import { ensureSecrets, readAccess, writeAdminConfig, type ApiAccess } from './secrets.ts'
import { applyNodes, SIMULATORS, writeStages } from './simulated.ts'
import { ensureUnit, readFacts, removeUnit, unitOf, writeFacts, type Unit, type UnitFacts } from './unit.ts'

/** One process of a cluster and how it is. */
export interface ProcessState {
  readonly component: ComponentName
  readonly pid: number | undefined
  /** Why it is not ready although it runs, and what to do. */
  readonly trouble: string | undefined
}

/** Ends components in the order in which they may miss each other. */
const GRACE = 4000

const inOrder = Object.keys(components) as readonly ComponentName[]

const ofStage = (names: Iterable<ComponentName>, ...stages: readonly string[]): readonly ComponentName[] =>
  [...names].filter((name) => stages.includes(componentOf(name).stage))

/** Components that a unit has, in the order of the table. */
export const componentsOf = async (unit: Unit): Promise<readonly ComponentName[]> => {
  const names = (await componentNames(unit)).filter(isComponent)
  return inOrder.filter((name) => names.includes(name))
}

/** How its owner reaches the API of a cluster; undefined when it has none yet. */
export const accessOf = async (ctx: Context, name: string): Promise<ApiAccess | undefined> => {
  const unit = unitOf(ctx, name, 'control-plane')
  const port = (await portsOf(unit, 'kube-apiserver'))?.['api']
  return port === undefined ? undefined : readAccess(unit, port)
}

/** The API of a cluster for a moment. */
export const withApi = async <T>(ctx: Context, access: ApiAccess, work: (api: Api) => Promise<T>, limit?: number): Promise<T> => {
  const api = apiOf(ctx, access, limit)
  try {
    return await work(api)
  } finally {
    api.close()
  }
}

/** The same for questions that are asked until they are answered, the processes of the API have ended, or patience has. */
const withPatience = async <T>(
  ctx: Context,
  { name, access, ...patience }: Patience & { readonly name: string; readonly access: ApiAccess },
  work: (api: Api, patience: ApiPatience) => Promise<T>,
): Promise<T> => {
  const unit = unitOf(ctx, name, 'control-plane')
  const silent = async (): Promise<void> => {
    for (const it of ['etcd', 'kube-apiserver'] as const)
      if ((await findProcess(ctx, unit, it)) === undefined) throw await endedError(unit, it)
  }
  const asked = withApi(ctx, access, (api) => work(api, { ...patience, silent }), Math.min(ANSWER, Math.max(1, patience.until - ctx.now())))
  return telling(ctx, () => blockers(ctx, name), asked)
}

interface Asking {
  readonly port?: number | undefined
  /** How long the answer may take (ms). */
  readonly limit?: number | undefined
}

const apiAnswers = async (ctx: Context, unit: Unit, path: string, { port, limit }: Asking = {}): Promise<boolean> => {
  const known = port ?? (await portsOf(unit, 'kube-apiserver'))?.['api']
  const access = known === undefined ? undefined : await readAccess(unit, known)
  if (access === undefined) return false
  ctx.secrets.add(access.token)
  return withApi(ctx, access, async (api) => (await api.send('GET', path)).status === 200, limit)
}

export interface ControlOptions {
  /** Simulated nodes. */
  readonly workers?: number | undefined
  /** How the Flux controllers run; default: as they did. */
  readonly profile?: UnitFacts['profile']
}

/** The controllers that run in another profile end: they start anew in this one. */
const setProfile = async (ctx: Context, unit: Unit, facts: UnitFacts, profile: NonNullable<UnitFacts['profile']>): Promise<void> => {
  if (profile === (facts.profile ?? 'local')) return
  await writeFacts(unit, { ...facts, profile })
  await endComponents(
    ctx,
    unit,
    (await componentsOf(unit)).filter((it) => componentOf(it).groups !== undefined),
    GRACE,
  )
}

/**
 * The control plane of a cluster, running: started as far as it does not run. Settles when the API takes requests of its owner, which is
 * before its own readiness: what is applied then is waited for anyway.
 */
export const ensureControl = async (
  ctx: Context,
  name: string,
  { workers, profile, ...patience }: ControlOptions & Patience,
): Promise<ApiAccess> => {
  const unit = unitOf(ctx, name, 'control-plane')
  const facts = await ensureUnit(unit, (workers ?? 0) > 0 ? { workers } : {})
  if (workers !== undefined && workers !== (facts.workers ?? 0))
    ctx.report({ kind: 'warn', text: `cluster ${name} keeps its ${facts.workers ?? 0} simulated nodes: delete it to have ${workers}` })
  if (profile !== undefined) await setProfile(ctx, unit, facts, profile)
  await ensureSecrets(unit)
  const before = (await portsOf(unit, 'kube-apiserver'))?.['api']
  const [state, api] = await Promise.all([
    ensureComponent(ctx, unit, 'etcd', patience),
    ensureComponent(ctx, unit, 'kube-apiserver', {
      ...patience,
      ready: (ports) => apiAnswers(ctx, unit, '/api/v1/namespaces?limit=1', { port: ports['api'], limit: QUESTION }),
    }),
  ])
  const [ports] = await Promise.race([Promise.all([api.ready, state.ready]), state.lost])
  const access = await readAccess(unit, ports['api'] as number)
  if (access === undefined) throw new KsailError('bug', `the API server of ${name} answers without a certificate`)
  await writeAdminConfig(unit, access)
  if (facts.workers !== undefined) await writeStages(unit)
  // a port that moved while the rest ran: the others look for the API where it was
  const work = before === ports['api'] ? [] : ofStage(await componentsOf(unit), 'work')
  if (work.length > 0) await endComponents(ctx, unit, work, GRACE)
  return access
}

/** The simulated nodes that a cluster was made with, if any: the nodes and what moves them. */
export const ensureSimulated = async (
  ctx: Context,
  name: string,
  access: ApiAccess,
  patience: Patience,
): Promise<readonly ComponentName[]> => {
  const { workers = 0 } = (await controlFacts(ctx, name)) ?? {}
  if (workers === 0) return []
  await withPatience(ctx, { name, access, ...patience }, (api, how) => applyNodes(ctx, api, { cluster: name, count: workers, ...how }))
  return SIMULATORS
}

/** Starts these components; what it returns waits until they are ready, and fails when one ends. */
export const beginWork = async (
  ctx: Context,
  name: string,
  names: readonly ComponentName[],
  patience: Patience,
): Promise<() => Promise<void>> => {
  const unit = unitOf(ctx, name, 'control-plane')
  const access = await accessOf(ctx, name)
  if (access === undefined)
    throw new KsailError('unreachable', `cluster ${name} has no API server yet`, { hint: 'run ksail cluster create' })
  const started = await withPatience(ctx, { name, access, ...patience }, (api, how) =>
    Promise.all(
      names.map(async (it) => {
        await Promise.all((componentOf(it).groups ?? []).map((group) => knownGroup(ctx, api, group, how)))
        return ensureComponent(ctx, unit, it, patience)
      }),
    ),
  )
  return async () => void (await Promise.all(started.map(({ ready }) => ready)))
}

/** Starts what a cluster has besides its API, and this too: all that it had before when nothing is named. */
export const ensureWork = async (ctx: Context, name: string, more: readonly ComponentName[], patience: Patience): Promise<void> => {
  const unit = unitOf(ctx, name, 'control-plane')
  const wanted = new Set<ComponentName>([...ofStage(await componentsOf(unit), 'work'), ...more])
  await (
    await beginWork(ctx, name, [...wanted], patience)
  )()
}

/** The controllers that Flux's own kinds belong to, by the label that flux gives them. */
const controllersOf = (texts: readonly string[]): readonly ComponentName[] =>
  [...new Set(texts.map((text) => /^ {4}app\.kubernetes\.io\/component: *(\S+)/m.exec(text)?.[1] ?? ''))].filter(isComponent)

/** Applies manifests. Kinds of a controller that is one of the components start it, as soon as they are served; what it returns waits for that one. */
export const applyTo = async (
  ctx: Context,
  { name, access, manager, ...patience }: Patience & { readonly name: string; readonly access: ApiAccess; readonly manager: string },
  yaml: string,
): Promise<() => Promise<void>> =>
  withPatience(ctx, { name, access, ...patience }, async (api, how) => {
    const manifests = manifestsIn(yaml)
    await applyManifests(ctx, api, manifests, { manager, ...how })
    const kinds = manifests.filter(({ kind }) => kind === 'CustomResourceDefinition')
    const controllers = controllersOf(kinds.map(({ text }) => text))
    if (controllers.length === 0) return async () => undefined
    await Promise.all(kinds.map((it) => servedKind(ctx, api, it, how)))
    return beginWork(ctx, name, controllers, patience)
  })

/** How long an API server that may hang has for one answer (ms), of several. */
const QUESTION = 5000

/** Waits until the API says that it is ready. */
export const controlReady = async (ctx: Context, name: string, timeout: number): Promise<void> => {
  const unit = unitOf(ctx, name, 'control-plane')
  const patience = patienceOf(ctx, timeout)
  const wait = async (): Promise<void> => {
    while (!(await apiAnswers(ctx, unit, '/readyz', { limit: Math.min(timeout, QUESTION) }))) {
      if (isOver(ctx, patience))
        throw new KsailError('timeout', `the API server of cluster ${name} is not ready after ${formatDuration(timeout)}`, {
          details: await troubles(ctx, name),
          hint: 'run ksail cluster info to see what is down, or pass a longer --timeout',
        })
      await ctx.sleep(50)
    }
  }
  return telling(ctx, () => blockers(ctx, name), wait())
}

/** How long one that runs has to say that it is ready (ms): who looks does not wait. */
const LOOK = 3000

/** Every process that the control plane of a cluster has, running or not. */
export const controlState = async (ctx: Context, name: string): Promise<readonly ProcessState[]> => {
  const unit = unitOf(ctx, name, 'control-plane')
  return Promise.all(
    (await componentsOf(unit)).map(async (component) => {
      const pid = await refind(ctx, unit, component)
      if (pid === undefined) return { component, pid, trouble: undefined }
      const ready =
        component === 'kube-apiserver'
          ? await apiAnswers(ctx, unit, '/readyz', { limit: LOOK })
          : await isReady(ctx, unit, component, { pid, limit: LOOK })
      return { component, pid, trouble: ready ? undefined : await troubleOf(ctx, unit, component, pid) }
    }),
  )
}

const troubles = async (ctx: Context, name: string): Promise<readonly string[]> =>
  (await controlState(ctx, name)).flatMap(({ component, pid, trouble }) =>
    pid === undefined ? [`${component} does not run`] : trouble === undefined ? [] : [`${component} ${trouble}`],
  )

/** What an API server that does not answer waits for, as it looks now. */
const blockers = async (ctx: Context, name: string): Promise<string> =>
  [`waiting for the API server of cluster ${name}`, ...(await troubles(ctx, name))].join('; ')

/** Ends the processes of a control plane: first those that talk to the API, then the API, then its state. */
export const stopControl = async (ctx: Context, name: string): Promise<void> => {
  const unit = unitOf(ctx, name, 'control-plane')
  const names = inOrder.filter((it) => it !== 'registry')
  for (const stage of ['work', 'api', 'state']) await endComponents(ctx, unit, ofStage(names, stage), GRACE)
}

/** Ends the processes of a control plane at once and removes everything it had. */
export const removeControl = async (ctx: Context, name: string): Promise<void> => {
  const unit = unitOf(ctx, name, 'control-plane')
  await endComponents(ctx, unit, inOrder, 0)
  await removeUnit(ctx, unit)
}

/** When and as what the control plane of a cluster was made; undefined when there is none. */
export const controlFacts = (ctx: Context, name: string) => readFacts(unitOf(ctx, name, 'control-plane'))

/** Every component that a cluster has, with its registry. */
export const logsOf = async (ctx: Context, name: string): Promise<readonly { readonly component: string; readonly unit: Unit }[]> => {
  const units = [unitOf(ctx, name, 'control-plane'), unitOf(ctx, name, 'registry')]
  return (await Promise.all(units.map(async (unit) => (await componentsOf(unit)).map((component) => ({ component, unit }))))).flat()
}
