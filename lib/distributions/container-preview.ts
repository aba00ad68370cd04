import type { Context } from '../base/context.ts'
import { registryName } from '../base/names.ts'
import { formatCommand, withInput } from '../io/exec.ts'
import { registryPort, whyAgain } from '../registry/container.ts'
import { choosePort, labelsOf, registryRun } from '../registry/make.ts'
import { hostsToml, TRUST } from '../registry/nodes.ts'
import { ownsContainer, ownsVolume } from '../registry/owner.ts'
import * as docker from '../tools/docker.ts'
import type { RegistryPreview } from './preview.ts'

const shown = (words: readonly string[]): string => formatCommand('docker', words)

const find = async (ctx: Context, cluster: string): Promise<docker.Container | undefined> =>
  (await docker.inspect(ctx, [registryName(cluster)]))[0]

/** What the registry container would run. */
export const containerPreview = (network: string): RegistryPreview => ({
  ensure: async (ctx, options) => {
    const { cluster, owner } = options
    const name = registryName(cluster)
    const [found, volume] = await Promise.all([find(ctx, cluster), docker.volumeLabels(ctx, name)])
    const taken = found !== undefined && (!ownsContainer(owner, found) || (owner.adopted ?? []).includes(found.id))
    const again = found === undefined ? undefined : await whyAgain(found, options, taken)
    if (found !== undefined && again === undefined)
      return { port: registryPort(found) ?? options.recorded, commands: found.running ? [] : [shown(docker.words.start([name]))] }
    const port = await choosePort({ port: options.port, recorded: options.recorded ?? (found && registryPort(found)) })
    return {
      port,
      commands: [
        ...(found === undefined ? [] : [shown(docker.words.remove([name]))]),
        ...(volume === undefined ? [shown(docker.words.createVolume(name, labelsOf(cluster, owner)))] : []),
        shown(docker.words.run(registryRun(options, port))),
      ],
    }
  },
  links: async (ctx, cluster, port, nodes) => {
    const name = registryName(cluster)
    const toml = await hostsToml(cluster)
    const folder = `/etc/containerd/certs.d/localhost:${port}`
    return [
      (await find(ctx, cluster))?.networks[network] === undefined ? [shown(docker.words.connectNetwork(network, name))] : [],
      nodes.map((node) => withInput(shown(docker.words.exec(node, ['sh', '-c', TRUST, 'sh', folder], true)), toml)),
    ]
  },
  start: async (ctx, cluster) =>
    (await find(ctx, cluster))?.running === false ? [shown(docker.words.start([registryName(cluster)]))] : [],
  stop: async (ctx, cluster) => ((await find(ctx, cluster))?.running === true ? [shown(docker.words.stop([registryName(cluster)]))] : []),
  remove: async (ctx, { cluster, owner, keepStorage }) => {
    const name = registryName(cluster)
    const [found, volume] = await Promise.all([find(ctx, cluster), docker.volumeLabels(ctx, name)])
    return [
      ...(found !== undefined && ownsContainer(owner, found) ? [shown(docker.words.remove([name]))] : []),
      ...(volume !== undefined && !keepStorage && ownsVolume(owner, name, volume) ? [shown(docker.words.removeVolume(name))] : []),
    ]
  },
})
