import { existsSync, readFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { dirname, join, resolve } from 'node:path'
import { serveApi } from './api.ts'
import { matches, unknown, valueOf, type Answer, type Call } from './call.ts'
import type { Cluster } from './cluster.ts'
import type { Engine } from './engine.ts'
import { entriesOf, setCurrent } from './kubeconfig.ts'
import { recorded } from './recorded.ts'

/** kubectl: its proxy serves until it is ended. */
export const kubectl = async (clusters: Map<string, Cluster>, refuse: (what: string) => void, call: Call): Promise<Answer> => {
  const { args } = call
  const kubeconfig = valueOf(args, '--kubeconfig') ?? ''
  if (matches(args, 'version', '--client')) return { stdout: recorded('kubectl/version.txt') }
  if (matches(args, 'kustomize', undefined)) {
    if (!existsSync(join(resolve(call.cwd, args[1] ?? ''), 'kustomization.yaml'))) throw unknown(call)
    return { stdout: recorded('kubectl/kustomize.txt') }
  }
  if (matches(args, 'config', '--kubeconfig', kubeconfig, 'use-context')) return (setCurrent(kubeconfig, args[4] ?? ''), { stdout: '' })
  if (matches(args, 'config', '--kubeconfig', kubeconfig, 'unset', 'current-context')) return (setCurrent(kubeconfig, ''), { stdout: '' })
  if (matches(args, 'proxy')) {
    const context = valueOf(args, '--context') ?? ''
    const port = entriesOf(kubeconfig).find(({ name }) => name === context)?.port
    const cluster = [...clusters.values()].find((it) => it.port === port)
    if (cluster === undefined) return { code: 1, stderr: recorded('kubectl/proxy-no-context.txt', { context }) }
    const socket = /^--unix-socket=(.+)$/.exec(args.at(-1) ?? '')?.[1] ?? ''
    if (!existsSync(dirname(socket))) return { code: 1, stderr: recorded('kubectl/proxy-no-folder.txt', { socket }) }
    const end = await serveApi(cluster, socket, refuse)
    call.print(recorded('kubectl/proxy.txt', { socket }).trimEnd())
    await call.moment('serves')
    await call.gone
    end()
    return {}
  }
  throw unknown(call)
}

/** `localhost:5050/k8s:dev,other` */
const parseTarget = (text: string): { readonly port: number; readonly repository: string; readonly tags: readonly string[] } => {
  const [, port, repository = '', tags = ''] = /^localhost:(\d+)\/([^:]+):(.+)$/.exec(text) ?? []
  return { port: Number(port), repository, tags: tags.split(',') }
}

const sha256 = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/** A blob of an image layout; a real oras refuses one that is missing or is not what its name says. */
const blob = (folder: string, digest: string): Buffer => {
  const bytes = readFileSync(join(folder, 'blobs', digest.replace(':', '/')))
  if (sha256(bytes) !== digest) throw new Error(`${folder} holds something else under ${digest}`)
  return bytes
}

const copy = async (engine: Engine, call: Call): Promise<Answer> => {
  const [layout = '', target = ''] = call.args.slice(3).filter((word) => !word.startsWith('--'))
  const [folder = '', digest = ''] = layout.split('@')
  const { port, repository, tags } = parseTarget(target)
  const registry = engine.registryAt(port)
  if (registry === undefined) return { code: 1, stderr: recorded('oras/refused.txt', { port: String(port) }) }
  const manifest = blob(resolve(call.cwd, folder), digest)
  const content = JSON.parse(manifest.toString('utf8')) as { config: { digest: string }; layers: readonly { digest: string }[] }
  for (const it of [content.config, ...content.layers]) blob(resolve(call.cwd, folder), it.digest)
  for (const tag of tags) {
    // one tag after the other: whoever reads in between sees the first ones only
    if (tag !== tags[0]) await call.moment('between two tags')
    if (call.isGone()) return {}
    registry.put(repository, digest, manifest, [tag])
  }
  return { stdout: recorded('oras/cp.txt', { layout, target: target.split(',')[0] ?? '', digest }) }
}

/** oras, as far as a first push calls it. */
export const oras = async (engine: Engine, call: Call): Promise<Answer> => {
  const { args } = call
  if (matches(args, 'version')) return { stdout: recorded('oras/version.txt') }
  if (matches(args, 'cp', '--no-tty', '--from-oci-layout')) return copy(engine, call)
  if (matches(args, 'resolve', undefined)) {
    const reference = args[1] ?? ''
    const { port, repository, tags } = parseTarget(reference)
    const registry = engine.registryAt(port)
    if (registry === undefined) return { code: 1, stderr: recorded('oras/refused.txt', { port: String(port) }) }
    const digest = registry.head(repository, tags[0] ?? '')
    return digest === undefined ? { code: 1, stderr: recorded('oras/resolve-none.txt', { reference }) } : { stdout: `${digest}\n` }
  }
  throw unknown(call)
}

/** flux, as far as ksail calls it. */
export const flux = async (call: Call): Promise<Answer> => {
  if (matches(call.args, 'version', '--client')) return { stdout: recorded('flux/version.txt') }
  if (matches(call.args, 'install', '--export', '--components=source-controller,kustomize-controller', '--network-policy=false'))
    return { stdout: recorded('flux/install.txt') }
  throw unknown(call)
}
