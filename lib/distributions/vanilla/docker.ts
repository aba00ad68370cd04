import { dirname, join } from 'node:path'
import { deferred } from '../../base/deferred.ts'
import { isKsailError, KsailError, messageOf } from '../../base/errors.ts'
import type { Context } from '../../base/context.ts'
import type { Target } from '../../base/target.ts'
import { makeFolder, readText, writeText } from '../../io/files.ts'
import { endProcesses, listProcesses } from '../../io/processes.ts'
import * as docker from '../../tools/docker.ts'
import * as kind from '../../tools/kind.ts'
import { containerRegistry } from '../container-registry.ts'
import type { Apply, Making, Runtime, SavedLogs } from '../distribution.ts'
import { ensureContext } from './access.ts'
import { kindConfig } from './config.ts'
import { dockerPreview } from './docker-preview.ts'
import { applyInside } from './inside.ts'
import { sayKept } from './kept.ts'
import { firstNode, imageOf, nodes, startOrder } from './nodes.ts'

/** kind's own progress: ` • Starting control-plane 🕹️  ...` on a stderr that is no terminal. */
const phaseOf = (line: string): string | undefined => /^ • (.+?)\s+(?:\p{Extended_Pictographic}|\.\.\.)/u.exec(line)?.[1]?.trim()

const applyIn =
  (ctx: Context, name: string, signal: AbortSignal): Apply =>
  (yaml, { manager }) =>
    applyInside(ctx, firstNode(name), yaml, { manager, signal })

/** Behind a proxy kind tells the nodes which names to reach directly; it cannot know the registry's. */
const proxyEnv = (ctx: Context, name: string): Record<string, string> => {
  const known = ctx.env['NO_PROXY'] ?? ctx.env['no_proxy']
  if (!['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy'].some((key) => ctx.env[key])) return {}
  const value = [known, `${name}-local-registry`, `${name}-local-registry:5000`].filter(Boolean).join(',')
  return { NO_PROXY: value, no_proxy: value }
}

const make = (ctx: Context, target: Target, signal: AbortSignal): Making => {
  const booted = deferred<readonly string[]>()
  const run = async (): Promise<void> => {
    const [text, cgroupVersion] = await Promise.all([readText(target.distributionConfig), docker.cgroupVersion(ctx)])
    // kind writes the kubeconfig last: a folder that cannot be made is better known before two minutes of work
    await makeFolder(dirname(target.kubeconfig))
    await kind.createCluster(ctx, {
      name: target.name,
      config: kindConfig(target, { text, cgroupVersion }),
      cwd: dirname(target.distributionConfig),
      kubeconfig: target.kubeconfig,
      image: imageOf(target),
      signal,
      env: { KIND_EXPERIMENTAL_PROVIDER: 'docker', KIND_CLUSTER_NAME: undefined, ...proxyEnv(ctx, target.name) },
      onLine: (line) => {
        const phase = phaseOf(line)
        if (phase === undefined) return
        ctx.report({ kind: 'wait', text: `kind: ${phase.toLowerCase()}` })
        // programs may be started in a node only after its systemd has booted (kind#2409): kind says so by starting kubeadm
        if (phase.startsWith('Starting control-plane'))
          nodes(ctx, target.name).then((found) => booted.resolve(found.map((node) => node.name)), booted.reject)
      },
    })
    booted.resolve((await nodes(ctx, target.name)).map((node) => node.name))
  }
  const done = run()
  done.catch(booted.reject)
  return {
    booted: booted.promise,
    done,
    apply: async (yaml, options) => (await booted.promise, applyIn(ctx, target.name, signal)(yaml, options)),
  }
}

const adopt = (ctx: Context, target: Target, signal: AbortSignal): Making => {
  const found = nodes(ctx, target.name)
  const booted = found.then((list) => list.map(({ name }) => name))
  const done = found.then(async (list) => {
    await sayKept(ctx, target, list)
    await ensureContext(ctx, target, list)
  })
  for (const promise of [booted, done]) promise.catch(() => undefined)
  return { booted, done, apply: applyIn(ctx, target.name, signal) }
}

const ready: Runtime['ready'] = async (ctx, target, { timeout }) => {
  const script =
    'until kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://127.0.0.1:6443 get --raw /readyz >/dev/null 2>&1; do sleep 0.2; done'
  try {
    await docker.execIn(ctx, firstNode(target.name), ['bash', '-c', script], { timeout })
  } catch (error) {
    if (!isKsailError(error, 'timeout')) throw error
    throw new KsailError('timeout', `the API server of cluster ${target.name} did not answer in time`, {
      hint: `look at docker logs ${firstNode(target.name)}`,
      cause: error,
    })
  }
}

/** A kind that an earlier, killed ksail started for this cluster: it would go on making nodes behind our back. */
const endMakers: Runtime['endMakers'] = async (ctx, name) => {
  const makers = (await listProcesses(ctx)).filter(
    ({ argv }) => /(^|\/)kind$/.test(argv[0] ?? '') && argv[1] === 'create' && argv[argv.indexOf('--name') + 1] === name,
  )
  await endProcesses(
    ctx,
    makers.map(({ pid }) => pid),
  )
  return makers.length > 0
}

const saveLogs: Runtime['saveLogs'] = async (ctx, name, folder) => {
  const saved: SavedLogs[number][] = []
  for (const node of await nodes(ctx, name)) {
    const kubelet = node.running
      ? await docker
          .execIn(ctx, node.name, ['journalctl', '-u', 'kubelet', '-n', '200', '--no-pager'], { accept: 'any', timeout: 10_000 })
          .then(
            ({ stdout }) => stdout,
            (error: unknown) => messageOf(error),
          )
      : ''
    const file = join(folder, `${node.name}.log`)
    await writeText(file, await docker.logs(ctx, node.name, 500))
    saved.push({ was: `docker logs ${node.name}`, file })
    if (kubelet !== '') await writeText(join(folder, `${node.name}-kubelet.log`), kubelet)
  }
  return saved
}

/** Vanilla Kubernetes in containers, made by kind. */
export const vanillaOnDocker: Runtime = {
  summary: 'nodes as containers, by kind',
  tools: () => ['docker', 'kind', 'kubectl'],
  registry: containerRegistry,
  controllers: { as: 'pods' },
  noun: 'node',
  nouns: 'nodes',
  preview: dockerPreview,
  contextOf: (name) => `kind-${name}`,
  nodes,
  make,
  adopt,
  endMakers,
  start: async (ctx, name) => {
    const order = startOrder(name, await nodes(ctx, name))
    if (order.length > 0) await docker.startContainers(ctx, order)
  },
  stop: async (ctx, name) => {
    const running = (await nodes(ctx, name)).filter((node) => node.running)
    if (running.length > 0)
      await docker.stopContainers(
        ctx,
        running.map((node) => node.name),
      )
  },
  ready,
  connect: async (ctx, target) => ensureContext(ctx, target, await nodes(ctx, target.name)),
  remove: async (ctx, name, kubeconfig) => void (await kind.deleteCluster(ctx, name, kubeconfig)),
  saveLogs,
}
