import { join } from 'node:path'
import { KsailError } from '../base/errors.ts'
import { step } from '../base/events.ts'
import { registryName } from '../base/names.ts'
import type { Context } from '../base/context.ts'
import type { Target } from '../base/target.ts'
import type { ProjectOptions } from '../config/project.ts'
import type { EnsureBeside } from '../distributions/beside.ts'
import type { Runtime } from '../distributions/distribution.ts'
import { privateFolder } from '../io/private.ts'
import { removeRecord } from '../providers/record.ts'
import { kubeconfigEntry, type KubeconfigEntry } from './kubeconfig.ts'
import { previewNetwork, removeOwnNetwork } from './network.ts'
import { NETWORK, refuseForeign, type Survey } from './ownership.ts'
import { lookAtCluster, withCluster } from './with-cluster.ts'

export interface DeleteOptions extends ProjectOptions {
  /** Does not ask. */
  readonly yes?: boolean | undefined
  /** Keeps the registry's volume for the next cluster of this project. */
  readonly keepStorage?: boolean | undefined
  /** Says what would be removed, and with which commands; removes nothing. */
  readonly dryRun?: boolean | undefined
  /** Removes what belongs to others under this name, too. */
  readonly adopt?: boolean | undefined
}

export interface DeleteResult {
  readonly name: string
  /** What was there and is gone, as `node dev-control-plane`. */
  readonly removed: readonly string[]
  /** Only with `dryRun`: what would be. */
  readonly planned?: { readonly removes: readonly string[]; readonly commands: readonly string[] } | undefined
}

interface Found {
  readonly survey: Survey
  /** The kubeconfig that the cluster was written to. */
  readonly kubeconfig: string
  readonly entry: KubeconfigEntry | undefined
  readonly keepStorage: boolean
}

const titles = (target: Target, { noun, registry }: Runtime, { survey, entry, kubeconfig, keepStorage }: Found): readonly string[] => [
  ...survey.nodes.map(({ name }) => `${noun} ${name}`),
  ...(survey.container === undefined ? [] : [`${registry.noun} ${survey.container.name}`]),
  ...(survey.volume === undefined || keepStorage ? [] : [`${registry.storageNoun} ${registryName(target.name)}`]),
  ...(entry?.local === true ? [`context ${entry.context} in ${kubeconfig}`] : []),
]

const confirm = async (ctx: Context, target: Target, what: readonly string[], yes: boolean): Promise<void> => {
  for (const title of what) ctx.report({ kind: 'note', text: `will remove ${title}` })
  if (yes || !ctx.ask.available) return
  if (!(await ctx.ask.confirm(`remove cluster ${target.name}?`, false)))
    throw new KsailError('refused', `cluster ${target.name} was not removed`, { hint: 'answer yes, or pass --yes' })
}

/** Nodes with their kubeconfig entry. An entry of that name that leads to another machine is somebody else's and stays. */
const removeNodes = async (ctx: Context, target: Target, runtime: Runtime, { survey, entry, kubeconfig }: Found): Promise<void> => {
  if (survey.state === 'half-made') await runtime.endMakers(ctx, target.name)
  if (entry?.local !== false) return runtime.remove(ctx, target.name, kubeconfig)
  ctx.report({ kind: 'note', text: `context ${entry.context} in ${kubeconfig} leads to ${entry.server}: it stays` })
  const nowhere = await privateFolder(ctx, 'kubeconfig')
  try {
    await runtime.remove(ctx, target.name, join(nowhere.path, 'config'))
  } finally {
    await nowhere.remove()
  }
}

interface Removal extends Found {
  readonly owner: EnsureBeside['owner']
  readonly removed: readonly string[]
  readonly containers: boolean
}

const planned = async (
  ctx: Context,
  { name }: Target,
  runtime: Runtime,
  { survey, entry, kubeconfig, keepStorage, owner, removed, containers }: Removal,
): Promise<DeleteResult['planned']> => {
  const commands = [
    ...(survey.nodes.length > 0 || entry?.local === true
      ? await runtime.preview.remove(ctx, name, entry?.local === false ? 'NOWHERE' : kubeconfig)
      : []),
    ...(await runtime.registry.preview.remove(ctx, { cluster: name, owner, keepStorage })),
    ...(containers && survey.record?.network === 'made' ? await previewNetwork(ctx, name) : []),
  ]
  for (const command of commands) ctx.report({ kind: 'note', text: `would run: ${command}` })
  if (removed.length === 0) ctx.report({ kind: 'note', text: `nothing of cluster ${name} is left` })
  return { removes: removed, commands }
}

/**
 * Removes what carries this project's id and nothing else: nodes, registry with its volume, kubeconfig entry, the network that it made,
 * record. Shows it and asks where somebody can answer. Success also when nothing is left. What belongs to others is `conflict`.
 *
 * @example
 * const { removed } = await deleteCluster({ name: 'dev', yes: true })
 */
export const deleteCluster = (options: DeleteOptions, ctx: Context): Promise<DeleteResult> =>
  (options.dryRun === true ? lookAtCluster : withCluster)(options, ctx, async ({ target, runtime, survey, containers }) => {
    const { name } = target
    if (options.adopt !== true) refuseForeign(target, survey, 'pass --adopt to remove it all the same')
    const keepStorage = options.keepStorage === true
    const { kubeconfig } = target
    const ours = survey.record !== undefined || survey.nodes.length > 0
    const entry = ours ? await kubeconfigEntry(ctx, kubeconfig, survey.record?.context ?? runtime.contextOf(name)) : undefined
    const found: Found = { survey, kubeconfig, entry, keepStorage }
    const removed = [...titles(target, runtime, found)]
    const owner = { id: survey.record?.id ?? '', project: survey.record?.project ?? target.project, adopted: survey.adoptable }
    if (options.dryRun === true)
      return { name, removed: [], planned: await planned(ctx, target, runtime, { ...found, owner, removed, containers }) }
    if (removed.length > 0) await confirm(ctx, target, removed, options.yes === true)
    else ctx.report({ kind: 'note', text: `nothing of cluster ${name} is left` })
    await Promise.all([
      survey.nodes.length > 0 || entry?.local === true
        ? step(ctx, `removing the ${runtime.nouns} of ${name}`, () => removeNodes(ctx, target, runtime, found))
        : undefined,
      survey.container !== undefined || survey.volume !== undefined
        ? step(ctx, `removing the registry of ${name}`, () => runtime.registry.remove(ctx, { cluster: name, owner, keepStorage }))
        : undefined,
    ])
    if (containers && survey.record?.network === 'made' && (await removeOwnNetwork(ctx, name))) removed.push(`network ${NETWORK}`)
    await removeRecord(ctx, name)
    return { name, removed }
  })
