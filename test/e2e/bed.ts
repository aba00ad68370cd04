import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect } from 'vitest'
import { hasTools } from '../needs.ts'

/** The command line tool as it is published: built, not from source. */
export const KSAIL = fileURLToPath(new URL('../../dist/bin/ksail.js', import.meta.url))

const NEEDED = ['docker', 'kind', 'kubectl', 'flux', 'oras'] as const

/** Why real clusters cannot be made here; undefined when they can, and always with KSAIL_E2E=1: then what is missing fails its tests. */
const missing = (): string | undefined => {
  const absent = NEEDED.filter((name) => !hasTools(name))
  return absent.length === 0 ? undefined : `skipped: ${absent.join(', ')} ${absent.length === 1 ? 'is' : 'are'} missing or not answering`
}

/** `describe` for tests on real clusters; the title says why they are skipped. */
export const describeOnClusters = (title: string, tests: () => void): void => {
  const why = missing()
  if (why !== undefined) console.warn(`${title}: ${why}`)
  describe.skipIf(why !== undefined)(why === undefined ? title : `${title} (${why})`, tests)
}

export interface Run {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  readonly ms: number
}

export interface Running {
  readonly child: ChildProcess
  readonly done: Promise<Run>
  /** Settles when a line of stderr (or stdout) matches; rejects when the program ends before. */
  readonly line: (pattern: RegExp) => Promise<string>
}

interface RunOptions {
  readonly cwd?: string | undefined
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  readonly input?: string | undefined
}

/** Starts a program without a shell and collects what it says. */
export const start = (file: string, args: readonly string[], { cwd, env = {}, input }: RunOptions = {}): Running => {
  const begin = performance.now()
  const child = spawn(file, args, { cwd, env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] })
  let [stdout, stderr] = ['', '']
  const waiting = new Set<{ pattern: RegExp; resolve: (line: string) => void; reject: (error: Error) => void }>()
  const settle = (line: string): void => {
    for (const one of [...waiting].filter(({ pattern }) => pattern.test(line))) {
      waiting.delete(one)
      one.resolve(line)
    }
  }
  const lines = (): ((chunk: string) => void) => {
    let rest = ''
    return (chunk) => {
      const parts = (rest + chunk).split(/\r?\n|\r/)
      rest = parts.pop() ?? ''
      for (const part of parts) settle(part)
    }
  }
  const [outLines, errLines] = [lines(), lines()]
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => ((stdout += chunk), outLines(chunk)))
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => ((stderr += chunk), errLines(chunk)))
  child.stdin.on('error', () => undefined)
  if (input !== undefined) child.stdin.end(input)
  const done = new Promise<Run>((resolve, reject) => {
    child.once('error', reject)
    // `exit`, not `close`: what a killed program started may hold its pipes open for minutes
    child.once('exit', (code) =>
      setImmediate(() => {
        for (const { pattern, reject: fail } of waiting)
          fail(new Error(`${file} ${args.join(' ')} ended with ${code} before it said ${pattern}:\n${stdout}${stderr}`))
        resolve({ code, stdout, stderr, ms: Math.round(performance.now() - begin) })
      }),
    )
  })
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const line = (pattern: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const said = `${stdout}\n${stderr}`.split(/\r?\n|\r/).find((it) => pattern.test(it))
      if (said === undefined) waiting.add({ pattern, resolve, reject })
      else resolve(said)
    })
  return {
    child,
    line,
    done: done.then(async (result) => {
      if (child.signalCode !== null) return result
      await closed
      return { ...result, stdout, stderr }
    }),
  }
}

/** Runs a program to its end. */
export const run = (file: string, args: readonly string[], options: RunOptions = {}): Promise<Run> =>
  start(file, args, { input: '', ...options }).done

/** The standard output of a program that must succeed. */
export const output = async (file: string, ...args: readonly string[]): Promise<string> => {
  const result = await run(file, args)
  if (result.code !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${result.code}: ${result.stderr}`)
  return result.stdout.trim()
}

export const docker = (...args: readonly string[]): Promise<string> => output('docker', ...args)

/** Id, name and state of a cluster's containers. Other tests use the same engine meanwhile: theirs do not count. */
export const containersOf = async (name: string): Promise<string[]> => {
  const all = linesOf(await docker('ps', '-a', '--no-trunc', '--format', '{{.Names}} {{.ID}} {{.State}}'))
  return all.filter((line) => line.startsWith(`${name}-`))
}

const linesOf = (text: string): string[] => text.split('\n').filter(Boolean).toSorted()

/** Everything that Docker holds for a cluster of this name, found by label and by name. */
export const inventory = async (name: string): Promise<{ readonly containers: string[]; readonly volumes: string[] }> => {
  const filters = [
    `label=io.x-k8s.kind.cluster=${name}`,
    `label=io.ksail.cluster=${name}`,
    `name=^/?${name}-(local-registry|control-plane|worker\\d*)$`,
  ]
  const containers = await Promise.all(filters.map((filter) => docker('ps', '-a', '--filter', filter, '--format', '{{.Names}}')))
  const volumes = await docker('volume', 'ls', '--format', '{{.Name}} {{.Labels}}')
  return {
    containers: [...new Set(containers.flatMap(linesOf))].toSorted(),
    volumes: linesOf(volumes)
      .filter((line) => line.startsWith(`${name}-local-registry `) || `${line},`.includes(`io.ksail.cluster=${name},`))
      .map((line) => line.split(' ')[0] as string),
  }
}

/** Programs of this machine that work on a cluster of this name: ksail itself and what it starts. */
export const processes = (name: string): string[] =>
  readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .flatMap((pid) => {
      let argv: string[]
      try {
        argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean)
        if (/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))) return []
      } catch {
        return []
      }
      const program = (argv[0] ?? '').split('/').at(-1) ?? ''
      const ours =
        ['kind', 'docker', 'kubectl', 'oras', 'flux', 'helm'].includes(program) ||
        (program === 'node' && argv.some((arg) => arg.endsWith('/ksail.js')))
      const about = (arg: string): boolean =>
        new RegExp(`(^|[^a-z0-9-])(kind-)?${name}(-control-plane|-worker\\d*|-local-registry)?($|[^a-z0-9-])`).test(arg)
      return ours && argv.some(about) ? [`${pid} ${argv.join(' ').slice(0, 200)}`] : []
    })

/** Asks again until the answer is right or the time is over: for what a process that just ended leaves to its kernel. */
export const eventually = async <T>(ask: () => T | Promise<T>, right: (answer: T) => boolean, ms = 5_000): Promise<T> => {
  const end = performance.now() + ms
  for (;;) {
    const answer = await ask()
    if (right(answer) || performance.now() > end) return answer
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** What the tests look at in objects of Kubernetes and Flux, and in lists of them. */
export interface KubeObject {
  readonly metadata: { readonly name: string; readonly generation?: number; readonly resourceVersion: string }
  readonly data?: Readonly<Record<string, string>>
  readonly spec: { readonly url?: string }
  readonly status: {
    readonly phase?: string
    readonly lastAppliedRevision?: string
    readonly artifact?: { readonly revision: string }
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly observedGeneration?: number }[]
    readonly containerStatuses?: readonly { readonly ready: boolean }[]
  }
  readonly items: readonly KubeObject[]
}

export interface Project {
  readonly name: string
  readonly folder: string
  readonly ksail: (...args: readonly string[]) => Promise<Run>
  /** As `ksail`, and the exit status must be 0. */
  readonly ok: (...args: readonly string[]) => Promise<Run>
  readonly start: (...args: readonly string[]) => Running
  readonly kubectl: (...args: readonly string[]) => Promise<string>
  readonly json: (...args: readonly string[]) => Promise<KubeObject>
  readonly write: (path: string, text: string) => void
  readonly read: (path: string) => string
  /** Port of the cluster's registry on this machine. */
  readonly port: () => Promise<number>
  /** How often something was written to the registry, from its own log. */
  readonly registryWrites: () => Promise<number>
  /** Deletes the cluster, then what is left in spite of that, and fails when something was. */
  readonly remove: () => Promise<void>
}

/** A project folder on a machine of its own: HOME, XDG folders and KUBECONFIG belong to the test file alone. */
export const project = (
  name: string,
  over: { readonly folder?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Project => {
  if (!existsSync(KSAIL)) throw new Error(`${KSAIL} is missing: run npm run build first`)
  const folder = over.folder ?? join(realpathSync(mkdtempSync(join(tmpdir(), 'p-'))), name)
  mkdirSync(folder, { recursive: true })
  const image = process.env['KSAIL_TESTBED_NODE_IMAGE']
  const env = { ...(image === undefined ? {} : { KSAIL_NODE_IMAGE: image }), ...over.env }
  const ksail = (...args: readonly string[]): Promise<Run> => run(process.execPath, [KSAIL, ...args], { cwd: folder, env })
  const kubectl = (...args: readonly string[]): Promise<string> =>
    output('kubectl', '--kubeconfig', process.env['KUBECONFIG'] as string, '--context', `kind-${name}`, ...args)
  const registry = `${name}-local-registry`
  return {
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
    write: (path, text) => {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), text)
    },
    read: (path) => readFileSync(join(folder, path), 'utf8'),
    port: async () => Number((await docker('port', registry, '5000/tcp')).split(':').at(-1)),
    registryWrites: async () => {
      const { stdout, stderr } = await run('docker', ['logs', registry])
      return (stdout + stderr).split('\n').filter((line) => /"(PUT|POST|PATCH|DELETE) \/v2\//.test(line)).length
    },
    remove: async () => {
      const deleted = await ksail('cluster', 'delete', '--name', name, '--yes')
      const left = await inventory(name)
      if (left.containers.length > 0) await docker('rm', '-f', '-v', ...left.containers)
      if (left.volumes.length > 0) await docker('volume', 'rm', '-f', ...left.volumes)
      const running = await eventually(
        () => processes(name),
        (found) => found.length === 0,
      )
      expect({ ...left, running }, `ksail cluster delete ended with ${deleted.code}: ${deleted.stderr}`).toEqual({
        containers: [],
        volumes: [],
        running: [],
      })
    },
  }
}

/** Refuses to touch a cluster that the test file did not make. */
export const mustNotExist = async (name: string): Promise<void> => {
  const { containers, volumes } = await inventory(name)
  if (containers.length + volumes.length > 0)
    throw new Error(`this machine has ${[...containers, ...volumes].join(', ')} already: remove them, or run the tests elsewhere`)
}

/** The API of a cluster by `kubectl proxy`: an answer in milliseconds, where starting kubectl takes a tenth of a second. */
export const api = async (of: Project): Promise<{ readonly get: (path: string) => Promise<KubeObject>; readonly close: () => void }> => {
  const proxy = start('kubectl', [
    '--kubeconfig',
    process.env['KUBECONFIG'] as string,
    '--context',
    `kind-${of.name}`,
    'proxy',
    '--port',
    '0',
  ])
  const at = /127\.0\.0\.1:\d+/.exec(await proxy.line(/Starting to serve/))?.[0]
  return {
    get: async (path) => (await fetch(`http://${at}${path}`)).json() as Promise<KubeObject>,
    close: () => void proxy.child.kill('SIGTERM'),
  }
}

/** Another program that holds a port of 127.0.0.1; undefined when one does already. */
export const holdPort = (port: number): Promise<Server | undefined> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error)))
    server.listen(port, '127.0.0.1', () => resolve(server))
  })

/** The one digest of a result line `oci://…@sha256:…`. */
export const digestOf = (text: string): string => {
  const digest = /sha256:[0-9a-f]{64}/.exec(text)?.[0]
  if (digest === undefined) throw new Error(`no digest in: ${text}`)
  return digest
}

/** Paths of the objects that ksail makes for Flux. */
export const SOURCE = '/apis/source.toolkit.fluxcd.io/v1/namespaces/flux-system/ocirepositories/flux-system'
export const SYNC = '/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations/flux-system'
