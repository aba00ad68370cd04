import { basename, join } from 'node:path'
import { buildArtifact, type Artifact } from '../artifact/build.ts'
import { checkArtifact } from '../artifact/check.ts'
import type { Preview } from '../base/actions.ts'
import type { Context } from '../base/context.ts'
import { formatReference, hostPort } from '../base/reference.ts'
import type { Target } from '../base/target.ts'
import { shownPath } from '../config/load.ts'
import type { Project } from '../config/project.ts'
import { resolveDestination, type Destination } from '../config/registry.ts'
import { hasContainers } from '../providers/index.ts'
import { writeLastPush } from '../workload/last-push.ts'
import { withRemote } from '../workload/remote.ts'
import { readHeads, sendTo } from '../workload/send.ts'
import { shownCopy } from '../workload/shown.ts'

/** What the registry holds under the project's tag when create is done. */
export interface Sent {
  readonly reference: string
  readonly tag: string
  readonly digest: string
  /** It was written by this run. */
  readonly changed: boolean
}

interface FirstPush {
  /** Packs and checks: what must not leave the machine, or cannot build, is refused before anything is made. */
  prepare(): Promise<void>
  /** Sends it; with `onlyIfMissing` only when the tag holds nothing. */
  push(port: number | undefined, options: { readonly onlyIfMissing: boolean }): Promise<void>
  sent(): Sent | undefined
  /** What `push` would run. */
  preview(port: number | undefined, options: { readonly onlyIfMissing: boolean; readonly answers: boolean }): Promise<Preview>
}

interface FirstPushOptions {
  /** Folder of a project that takes the layouts instead of this one, where nothing may be written. */
  readonly layouts?: string | undefined
}

const besideCluster = (target: Target, port: number): Destination => ({
  reference: {
    host: hasContainers(target.provider) ? 'localhost' : '127.0.0.1',
    port,
    repository: target.repository,
    tag: target.tag,
    digest: undefined,
  },
  username: '',
  password: '',
  external: false,
  plainHttp: true,
  registryFrom: hasContainers(target.provider) ? 'docker' : 'host',
  tagFrom: 'default',
  warnings: [],
})

/** The first artifact of a cluster: the folder of manifests as it is, or one that makes nothing when there is no such folder yet. */
export const firstPush = (ctx: Context, project: Project, target: Target, { layouts }: FirstPushOptions = {}): FirstPush => {
  let sent: Sent | undefined
  let artifact: Promise<Artifact> | undefined
  const prepared = (): Promise<Artifact> => {
    artifact ??= (async () => {
      const built = await buildArtifact({ source: target.source, project: layouts ?? target.project, whenMissing: target.path }, ctx)
      await checkArtifact(
        built,
        {
          start: target.path,
          shown: shownPath(target.source, ctx.cwd),
          allowPlaintextSecrets: project.config.allowPlaintextSecrets,
          validate: project.config.validateOnPush,
        },
        ctx,
      )
      return built
    })()
    return artifact
  }
  return {
    prepare: async () => void (await prepared()),
    push: async (port, { onlyIfMissing }) => {
      const destination = target.registry === undefined ? besideCluster(target, port as number) : await resolveDestination({ project }, ctx)
      const { reference } = destination
      const { tag } = reference
      sent = await withRemote(ctx, destination, async (remote): Promise<Sent> => {
        const heads = await readHeads(remote, [tag])
        const held = heads.get(tag)
        if (onlyIfMissing && held !== undefined) {
          // nothing to remember, but the halves of a create that was killed in that moment
          await writeLastPush(ctx, target.project, [])
          return { reference: formatReference({ ...reference, digest: held }), tag, digest: held, changed: false }
        }
        const { digest, folder } = await prepared()
        const { changed } = await sendTo(ctx, remote, { artifact: { digest, folder }, tags: [tag, ...project.config.alsoTags], heads })
        await writeLastPush(ctx, target.project, [
          { repository: `${hostPort(reference)}/${reference.repository}`, tag, digest, at: new Date().toISOString() },
        ])
        return { reference: formatReference({ ...reference, digest }), tag, digest, changed }
      })
    },
    sent: () => sent,
    preview: async (port, { onlyIfMissing, answers }) => {
      const destination = target.registry === undefined ? besideCluster(target, port ?? 0) : await resolveDestination({ project }, ctx)
      const { digest, folder } = await prepared()
      const tags = [destination.reference.tag, ...project.config.alsoTags]
      return withRemote(ctx, destination, async (remote) => {
        const heads = answers ? await readHeads(remote, tags) : new Map<string, string | undefined>()
        // where nobody answers what is whole is taken to hold its tag
        const held = onlyIfMissing
          ? !answers || heads.get(destination.reference.tag) !== undefined
          : tags.every((tag) => heads.get(tag) === digest)
        const layout = { digest, folder: join(target.project, '.ksail', 'artifacts', basename(folder)) }
        return { commands: held ? [] : [shownCopy(layout, remote, tags)] }
      })
    },
  }
}
