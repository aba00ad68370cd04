import { messageOf } from '../base/errors.ts'
import type { Context } from '../base/context.ts'
import type { Target } from '../base/target.ts'
import type { Runtime } from '../distributions/distribution.ts'
import { createRecord, removeRecord, writeRecord, type ClusterRecord } from '../providers/record.ts'
import { removeOwnNetwork } from './network.ts'
import { surveyCluster, type Survey } from './ownership.ts'

/** The record that says whose the cluster is: written before the first node is made. */
export const recordFor = async (ctx: Context, target: Target, survey: Survey, adopt: boolean): Promise<ClusterRecord> => {
  const { name, project, provider, distribution, kubeconfig, context } = target
  const known = { name, project, provider, distribution, kubeconfig, context, network: survey.network }
  const taken = adopt ? { nodes: survey.nodes.map(({ id }) => id), adopted: survey.adoptable } : {}
  if (survey.record === undefined) return createRecord(ctx, { ...known, ...(survey.nodes.length > 0 ? taken : { adopted: taken.adopted }) })
  // nodes that are about to be made are known by being younger than their record
  const made = survey.nodes.length === 0 ? { nodes: undefined, created: new Date(Date.now()).toISOString() } : {}
  const record = { ...survey.record, ...(adopt ? { ...known, ...taken } : {}), ...made }
  if (adopt || survey.nodes.length === 0) await writeRecord(ctx, record)
  return record
}

/** What a killed run left half-made goes before the same is made again; what is there then. */
export const clearHalfMade = async (ctx: Context, target: Target, runtime: Runtime): Promise<Survey> => {
  const survey = await surveyCluster(ctx, target)
  if (survey.state === 'foreign' || survey.record === undefined || survey.record.nodes !== undefined) return survey
  if (await runtime.endMakers(ctx, target.name))
    ctx.report({ kind: 'note', text: `ended what an earlier, killed create of ${target.name} had started` })
  if ((await surveyCluster(ctx, target)).state === 'half-made') {
    ctx.report({ kind: 'step', text: `removing nodes that an earlier create of ${target.name} left half-made` })
    await runtime.remove(ctx, target.name, target.kubeconfig)
  }
  return surveyCluster(ctx, target)
}

/** The ids of the nodes that there are now. */
export const idsOf = async (ctx: Context, target: Target, runtime: Runtime): Promise<readonly string[]> =>
  (await runtime.nodes(ctx, target.name)).map(({ id }) => id)

/** After a failed run that made everything itself nothing of it is left, and so the record goes too, and the network that kind made for it. */
export const forget = async (ctx: Context, target: Target, runtime: Runtime, record: ClusterRecord): Promise<void> => {
  try {
    if ((await runtime.nodes(ctx, target.name)).length > 0) return
    if (record.network === 'made') await removeOwnNetwork(ctx, target.name)
    await removeRecord(ctx, target.name)
  } catch (error) {
    ctx.report({ kind: 'warn', text: `the record of cluster ${target.name} stays: ${messageOf(error)}` })
  }
}
