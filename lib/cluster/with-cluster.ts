import type { Context } from '../base/context.ts'
import type { Target } from '../base/target.ts'
import { loadProject, type Project, type ProjectOptions } from '../config/project.ts'
import type { Runtime } from '../distributions/distribution.ts'
import { runtimeOf } from '../distributions/index.ts'
import { withLock } from '../io/lock.ts'
import { hasContainers, resolveProvider } from '../providers/index.ts'
import { lookingOnly } from '../tools/dry.ts'
import { lockOf, readRecord } from '../providers/record.ts'
import { OTHER_NAME, refuseForeign, surveyCluster, type Survey } from './ownership.ts'

export interface FoundCluster {
  readonly project: Project
  /** With the provider that the cluster has, or would get. */
  readonly target: Target
  readonly runtime: Runtime
  readonly survey: Survey
  /** Its nodes and registry are containers. */
  readonly containers: boolean
}

/** The project's cluster as it is now. What its record says about provider, distribution and kubeconfig goes before the configuration. */
export const findCluster = async (options: ProjectOptions, ctx: Context): Promise<FoundCluster> => {
  const project = await loadProject(options, ctx)
  const record = await readRecord(ctx, project.target.name)
  const provider = await resolveProvider(ctx, { recorded: record?.provider, configured: project.config.provider })
  // what the registry setting decides is read when it is asked for, and stays so
  const known = {
    provider,
    distribution: record?.distribution ?? project.target.distribution,
    kubeconfig: record?.kubeconfig ?? project.target.kubeconfig,
    context:
      record?.context ??
      project.config.context ??
      runtimeOf({ provider, distribution: project.target.distribution }).contextOf(project.target.name),
  }
  const target = Object.defineProperties(
    { ...known },
    { ...Object.getOwnPropertyDescriptors(project.target), ...Object.getOwnPropertyDescriptors(known) },
  ) as Target
  return { project, target, runtime: runtimeOf(target), survey: await surveyCluster(ctx, target), containers: hasContainers(provider) }
}

/** Throws `conflict` when a cluster of that name would not be this project's, unless it is to be taken over. */
export const refuseTaken = async (options: ProjectOptions & { readonly adopt?: boolean | undefined }, ctx: Context): Promise<void> => {
  if (options.adopt === true) return
  const { target, survey } = await findCluster(options, ctx)
  refuseForeign(target, survey, OTHER_NAME)
}

/** The same as `withCluster` for those who change nothing and tell so: nobody is waited for, and no tool is fetched. */
export const lookAtCluster: typeof withCluster = async (options, ctx, work) => {
  const looking = lookingOnly(ctx)
  return work(await findCluster(options, looking))
}

/** Does the work on the project's cluster while no other ksail works on it. */
export const withCluster = async <T>(options: ProjectOptions, ctx: Context, work: (found: FoundCluster) => Promise<T>): Promise<T> => {
  const { target } = await loadProject(options, ctx)
  return withLock(ctx, lockOf(ctx, target.name), `cluster ${target.name}`, async () => work(await findCluster(options, ctx)))
}
