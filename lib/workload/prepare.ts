import { buildArtifact, type Artifact } from '../artifact/build.ts'
import { checkArtifact } from '../artifact/check.ts'
import type { Built } from '../artifact/validate.ts'
import type { Context } from '../base/context.ts'
import type { Event } from '../base/events.ts'
import { shownPath } from '../config/load.ts'
import type { Project } from '../config/project.ts'

/** What is pushed, packed and checked. */
export interface Prepared {
  readonly artifact: Artifact
  /** What it makes of a cluster. */
  readonly built: Built
  /** Reports what there is to say about it: it may be known before anything else is told. */
  tell(): void
}

/** Packs a folder and checks it as the settings say. Throws `refused` for what must not leave the machine. */
export const prepare = async (
  ctx: Context,
  { config, target, directory }: Project,
  { source, validate }: { readonly source: string; readonly validate: boolean | undefined },
): Promise<Prepared> => {
  const said: Event[] = []
  const quiet: Context = { ...ctx, report: (event) => void said.push(event) }
  const artifact = await buildArtifact({ source, project: directory }, quiet)
  const built = await checkArtifact(
    artifact,
    {
      start: target.path,
      shown: shownPath(source, ctx.cwd),
      allowPlaintextSecrets: config.allowPlaintextSecrets,
      validate: validate ?? config.validateOnPush,
    },
    quiet,
  )
  return { artifact, built, tell: () => said.splice(0).forEach((event) => ctx.report(event)) }
}
