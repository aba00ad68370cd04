import { parse } from 'yaml'
import type { Context } from '../../base/context.ts'
import { nodeName } from '../../base/names.ts'
import type { Target } from '../../base/target.ts'
import { formatCommand, withInput } from '../../io/exec.ts'
import { readText } from '../../io/files.ts'
import * as docker from '../../tools/docker.ts'
import * as kind from '../../tools/kind.ts'
import type { NodesPreview } from '../preview.ts'
import { hasContext } from './access.ts'
import { kindConfig } from './config.ts'
import { applyWords } from '../../tools/kubectl.ts'
import { sayKept } from './kept.ts'
import { firstNode, imageOf, nodes, startOrder } from './nodes.ts'

const configOf = async (ctx: Context, target: Target): Promise<string> => {
  const [text, cgroupVersion] = await Promise.all([readText(target.distributionConfig), docker.cgroupVersion(ctx)])
  return kindConfig(target, { text, cgroupVersion })
}

/** What kind and docker would run for the nodes. */
export const dockerPreview: NodesPreview = {
  make: async (ctx, target) => {
    const { name, kubeconfig } = target
    return [withInput(formatCommand('kind', kind.words.create({ name, kubeconfig, image: imageOf(target) })), await configOf(ctx, target))]
  },
  names: async (ctx, target) => {
    const { nodes: listed = [{}] } = parse(await configOf(ctx, target)) as { nodes?: readonly { role?: 'control-plane' | 'worker' }[] }
    const count: Record<string, number> = {}
    return listed.map(({ role = 'control-plane' }) => nodeName(target.name, role, (count[role] = (count[role] ?? 0) + 1)))
  },
  adopt: async (ctx, target) => {
    const { name, kubeconfig, context } = target
    const found = await nodes(ctx, name)
    await sayKept(ctx, target, found)
    const port = found.map(({ ports }) => ports['6443/tcp']).find((it) => it !== undefined)
    return (await hasContext(kubeconfig, context, port)) ? [] : [formatCommand('kind', kind.words.exportKubeconfig(name, kubeconfig))]
  },
  // what really runs in the node waits for the API server first
  apply: ({ name }, manager) =>
    formatCommand(
      'docker',
      docker.words.exec(firstNode(name), ['kubectl', '--kubeconfig=/etc/kubernetes/admin.conf', ...applyWords(manager)], true),
    ),
  start: async (ctx, name) => {
    const order = startOrder(name, await nodes(ctx, name))
    return order.length === 0 ? [] : [formatCommand('docker', docker.words.start(order))]
  },
  stop: async (ctx, name) => {
    const running = (await nodes(ctx, name)).filter((node) => node.running).map((node) => node.name)
    return running.length === 0 ? [] : [formatCommand('docker', docker.words.stop(running))]
  },
  remove: async (_ctx, name, kubeconfig) => [formatCommand('kind', kind.words.remove(name, kubeconfig))],
}
