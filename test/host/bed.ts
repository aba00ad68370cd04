import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { describe, expect } from 'vitest'
import { KSAIL, output, run, start, type Run, type Running } from '../e2e/bed.ts'

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

/** `describe` for tests of real processes; with KSAIL_E2E=1 a program that is missing fails them instead of skipping. */
export const describeOnHost = (title: string, tests: () => void, more: readonly string[] = []): void => {
  const absent = [...PROGRAMS, ...more].filter((name) => pathOf(name) === undefined)
  const skip = absent.length > 0 && process.env['KSAIL_E2E'] !== '1'
  if (skip) console.warn(`${title}: skipped, without ${absent.join(', ')}`)
  describe.skipIf(skip)(title, tests)
}

export const configMap = (name: string, value: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n  namespace: default\ndata:\n  value: ${JSON.stringify(value)}\n`

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

export interface HostProject {
  readonly name: string
  readonly folder: string
  readonly ksail: (...args: readonly string[]) => Promise<Run>
  /** As `ksail`, and the exit status must be 0. */
  readonly ok: (...args: readonly string[]) => Promise<Run>
  readonly start: (...args: readonly string[]) => Running
  readonly kubectl: (...args: readonly string[]) => Promise<string>
  readonly value: (name: string) => Promise<string>
  readonly write: (path: string, text: string) => void
  /** Writes these and names exactly them in the root kustomization. */
  readonly put: (manifests: Readonly<Record<string, string>>) => void
  readonly remove: () => Promise<void>
}

/** A project whose cluster is made of processes, as no Docker answers it. */
export const hostProject = (name: string): HostProject => {
  if (!existsSync(KSAIL)) throw new Error(`${KSAIL} is missing: run npm run build first`)
  const folder = join(realpathSync(mkdtempSync(join(tmpdir(), 'p-'))), name)
  mkdirSync(folder, { recursive: true })
  const env = { DOCKER_HOST: 'unix:///nowhere/docker.sock' }
  const ksail = (...args: readonly string[]): Promise<Run> => run(process.execPath, [KSAIL, ...args], { cwd: folder, env })
  const kubectl = (...args: readonly string[]): Promise<string> =>
    output('kubectl', '--kubeconfig', process.env['KUBECONFIG'] as string, '--context', `ksail-${name}`, ...args)
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return {
    name,
    folder,
    ksail,
    kubectl,
    write,
    ok: async (...args) => {
      const result = await ksail(...args)
      expect(result, `ksail ${args.join(' ')}\n${result.stderr}`).toMatchObject({ code: 0 })
      return result
    },
    start: (...args) => start(process.execPath, [KSAIL, ...args], { cwd: folder, env }),
    value: (of) => kubectl('get', 'configmap', of, '-n', 'default', '-o', 'jsonpath={.data.value}'),
    put: (manifests) => {
      rmSync(join(folder, 'k8s'), { recursive: true, force: true })
      for (const [file, text] of Object.entries(manifests)) write(`k8s/${file}`, text)
      write(
        'k8s/kustomization.yaml',
        `apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [${Object.keys(manifests).join(', ')}]\n`,
      )
    },
    remove: async () => {
      const { code, stderr } = await ksail('cluster', 'delete', '--name', name, '--yes')
      const left = processesOf(name)
      for (const pid of Object.values(left)) process.kill(pid, 'SIGKILL')
      expect(left, `ksail cluster delete ended with ${code}: ${stderr}`).toEqual({})
      expect(filesBelow(join(process.env['XDG_STATE_HOME'] as string, 'ksail', 'host', name))).toEqual([])
    },
  }
}
