import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { beforeEach, describe, expect } from 'vitest'
import { api, type Api, type KubeObject } from './kube.ts'
import { kustomization } from './manifests.ts'
import { KSAIL, output, run, start, type Run, type Running } from './programs.ts'

/** What tests must know of a provider; one row for each. */
export interface Provider {
  readonly name: 'Docker' | 'Host'
  /** What of a test needs is not here; with KSAIL_E2E=1 nobody asks, and it fails instead. */
  readonly missing: (programs: readonly string[]) => readonly string[]
  /** What ksail is told by the environment. */
  readonly env: () => Readonly<Record<string, string>>
  readonly contextOf: (cluster: string) => string
  /** What `create` says when nobody named the provider. */
  readonly chosen: string
  /** How a reference names the registry of this machine. */
  readonly registryHost: string
  /** The registry as the engine in the cluster reaches it. */
  readonly registryInside: (cluster: string, port: number) => string
  /** A failure must be told long before the timeout of five minutes: this many milliseconds. */
  readonly soon: number
  /** What a cluster is made of, with identity and state: equal means that nothing was touched. */
  readonly parts: (cluster: string) => Promise<readonly string[]>
  readonly port: (cluster: string) => Promise<number>
  /** Changes with everything that is written to the registry, and only then. */
  readonly registryWrites: (cluster: string) => Promise<unknown>
  /** What is there of a cluster, in whatever state; empty when it is gone. */
  readonly remains: (cluster: string) => Promise<readonly string[]>
  /** Removes what is there of a cluster without ksail. */
  readonly sweep: (cluster: string) => Promise<void>
}

export interface Project extends Api {
  readonly provider: Provider
  readonly name: string
  readonly folder: string
  readonly ksail: (...args: readonly string[]) => Promise<Run>
  /** As `ksail`, and the exit status must be 0. */
  readonly ok: (...args: readonly string[]) => Promise<Run>
  readonly start: (...args: readonly string[]) => Running
  readonly kubectl: (...args: readonly string[]) => Promise<string>
  readonly json: (...args: readonly string[]) => Promise<KubeObject>
  /** The data of a ConfigMap. */
  readonly data: (name: string) => Promise<KubeObject['data']>
  /** The key `value` of a ConfigMap. */
  readonly value: (name: string) => Promise<string>
  readonly write: (path: string, text: string) => void
  readonly read: (path: string) => string
  /** Makes these the whole of k8s/, and names them in the root kustomization. */
  readonly put: (manifests: Readonly<Record<string, string>>) => void
  /** Port of the cluster's registry on this machine. */
  readonly port: () => Promise<number>
  /** How a reference names the registry. */
  readonly registry: () => Promise<string>
  readonly parts: () => Promise<readonly string[]>
  readonly registryWrites: () => Promise<unknown>
  /** Deletes the cluster, then what is left in spite of that, and fails when something was. */
  readonly remove: () => Promise<void>
}

export interface ProjectOptions {
  readonly folder?: string
  readonly env?: Readonly<Record<string, string>>
}

/** `describe` for tests of real clusters of a provider; the title says why they are skipped, if they are. */
export const describeOn = (provider: Provider, title: string, tests: () => void, more: readonly string[] = []): void => {
  const absent = process.env['KSAIL_E2E'] === '1' ? [] : provider.missing(more)
  const why = absent.length === 0 ? '' : ` (skipped: ${absent.join(', ')} ${absent.length === 1 ? 'is' : 'are'} missing or not answering)`
  if (why !== '') console.warn(`${title}${why}`)
  describe.skipIf(why !== '')(`${title}${why}`, tests)
}

/** Tests that go on from one another: what makes the state again that each of them begins from, where the first try of one has left another. */
export const beforeRetry = (restore: () => Promise<unknown>): void =>
  beforeEach(async ({ task }) => {
    if ((task.result?.retryCount ?? 0) > 0) await restore()
  })

/** A project folder on a machine of its own: HOME, XDG folders and KUBECONFIG belong to the test file alone. */
export const projectOn = (provider: Provider, name: string, over: ProjectOptions = {}): Project => {
  if (!existsSync(KSAIL)) throw new Error(`${KSAIL} is missing: run npm run build first`)
  const folder = over.folder ?? join(realpathSync(mkdtempSync(join(tmpdir(), 'p-'))), name)
  mkdirSync(folder, { recursive: true })
  const env = { ...provider.env(), ...over.env }
  const access = ['--kubeconfig', process.env['KUBECONFIG'] as string, '--context', provider.contextOf(name)]
  const { get, close } = api(access)
  const ksail = (...args: readonly string[]): Promise<Run> => run(process.execPath, [KSAIL, ...args], { cwd: folder, env })
  const kubectl = (...args: readonly string[]): Promise<string> => output('kubectl', ...access, ...args)
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return {
    provider,
    name,
    folder,
    ksail,
    ok: async (...args) => {
      const result = await ksail(...args)
      expect(result, `ksail ${args.join(' ')}\n${result.stderr}`).toMatchObject({ code: 0 })
      return result
    },
    start: (...args) => start(process.execPath, [KSAIL, ...args], { cwd: folder, env }),
    kubectl,
    json: async (...args) => JSON.parse(await kubectl(...args, '-o', 'json')),
    get,
    close,
    data: async (of) => (await get(`/api/v1/namespaces/default/configmaps/${of}`)).data,
    value: (of) => kubectl('get', 'configmap', of, '-n', 'default', '-o', 'jsonpath={.data.value}'),
    write,
    read: (path) => readFileSync(join(folder, path), 'utf8'),
    put: (manifests) => {
      rmSync(join(folder, 'k8s'), { recursive: true, force: true })
      for (const [file, text] of Object.entries(manifests)) write(`k8s/${file}`, text)
      write('k8s/kustomization.yaml', kustomization(Object.keys(manifests)))
    },
    port: () => provider.port(name),
    registry: async () => `${provider.registryHost}:${await provider.port(name)}`,
    parts: () => provider.parts(name),
    registryWrites: () => provider.registryWrites(name),
    remove: async () => {
      await close()
      const { code, stderr } = await ksail('cluster', 'delete', '--name', name, '--yes')
      const left = await provider.remains(name)
      await provider.sweep(name)
      expect(left, `ksail cluster delete ended with ${code}: ${stderr}`).toEqual([])
    },
  }
}
