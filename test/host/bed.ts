import { accessSync, constants, existsSync, lstatSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { describeOn, projectOn, type Project, type Provider } from '../bed/project.ts'

export { configMap } from '../bed/manifests.ts'

/** What a cluster on Host is made of, and what works on it. */
export const PROGRAMS = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'source-controller',
  'kustomize-controller',
  'registry',
  'kubectl',
  'oras',
  'flux',
] as const

const pathOf = (name: string): string | undefined =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })

/** The path of a program that must be there. */
export const programPath = (name: string): string => realpathSync(pathOf(name) ?? `/${name} is not on PATH`)

const stateOf = (name: string): string => join(process.env['XDG_STATE_HOME'] as string, 'ksail', 'host', name)

/** Every process that was started from a folder below the state of a cluster, by component. */
export const processesOf = (name: string, state = process.env['XDG_STATE_HOME'] as string): Record<string, number> => {
  const prefix = join(state, 'ksail', 'host', name)
  const found: Record<string, number> = {}
  for (const pid of readdirSync('/proc').filter((it) => /^\d+$/.test(it))) {
    let word: string | undefined
    try {
      word = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0]
    } catch {
      continue
    }
    if (word?.startsWith(`${prefix}/`)) found[word.split('/').at(-1) as string] = Number(pid)
  }
  return found
}

/** Files below a folder that are not folders. */
export const filesBelow = (folder: string): readonly string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((it) => !it.isDirectory())
        .map((it) => join(it.parentPath, it.name))
    : []

/** Every file and folder below a registry's storage with its time of change: each write touches one. */
const changesBelow = (folder: string): Readonly<Record<string, number>> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => [path, lstatSync(join(folder, path)).mtimeMs]),
  )

const provider: Provider = {
  name: 'Host',
  missing: (programs) => [...PROGRAMS, ...programs].filter((name) => pathOf(name) === undefined),
  // no Docker answers there
  env: () => ({ DOCKER_HOST: 'unix:///nowhere/docker.sock' }),
  contextOf: (cluster) => `ksail-${cluster}`,
  chosen: 'provider Host, processes of this user on this machine, because docker',
  registryHost: '127.0.0.1',
  registryInside: (_cluster, port) => `127.0.0.1:${port}`,
  soon: 30_000,
  parts: async (cluster) =>
    Object.entries(processesOf(cluster))
      .map(([component, pid]) => `${component} ${pid}`)
      .toSorted(),
  port: async (cluster) =>
    Number(/127\.0\.0\.1:(\d+)/.exec(readFileSync(join(stateOf(cluster), 'registry', 'data', 'registry.yml'), 'utf8'))?.[1]),
  registryWrites: async (cluster) => changesBelow(join(stateOf(cluster), 'registry', 'data', 'registry')),
  remains: async (cluster) => [...(await provider.parts(cluster)), ...filesBelow(stateOf(cluster))],
  sweep: async (cluster) => {
    for (const pid of Object.values(processesOf(cluster))) process.kill(pid, 'SIGKILL')
  },
}

/** `describe` for tests of real processes. */
export const describeOnHost = (title: string, tests: () => void, more: readonly string[] = []): void =>
  describeOn(provider, title, tests, more)

/** A project whose cluster is made of processes, as no Docker answers it. */
export const hostProject = (name: string, env: Readonly<Record<string, string>> = {}): Project => projectOn(provider, name, { env })
