import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { eventually, linesOf, output, run } from '../bed/programs.ts'
import { describeOn, projectOn, type Project, type ProjectOptions, type Provider } from '../bed/project.ts'
import { hasTools } from '../needs.ts'

const NEEDED = ['docker', 'kind', 'kubectl', 'flux', 'oras'] as const

export const docker = (...args: readonly string[]): Promise<string> => output('docker', ...args)

/** Id, name and state of a cluster's containers. Other tests use the same engine meanwhile: theirs do not count. */
export const containersOf = async (name: string): Promise<string[]> => {
  const all = linesOf(await docker('ps', '-a', '--no-trunc', '--format', '{{.Names}} {{.ID}} {{.State}}'))
  return all.filter((line) => line.startsWith(`${name}-`))
}

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

/** As `processes`, when those that were told to end had the time to leave the table of the kernel. */
export const processesLeft = (name: string): Promise<string[]> =>
  eventually(
    () => processes(name),
    (found) => found.length === 0,
  )

const provider: Provider = {
  name: 'Docker',
  missing: (programs) => [...NEEDED, ...programs].filter((name) => !hasTools(name)),
  env: () => {
    const image = process.env['KSAIL_TESTBED_NODE_IMAGE']
    return image === undefined ? {} : { KSAIL_NODE_IMAGE: image }
  },
  contextOf: (cluster) => `kind-${cluster}`,
  chosen: 'provider Docker, containers on this machine, because Docker answers',
  registryHost: 'localhost',
  registryInside: (cluster) => `${cluster}-local-registry:5000`,
  soon: 60_000,
  parts: containersOf,
  port: async (cluster) => Number((await docker('port', `${cluster}-local-registry`, '5000/tcp')).split(':').at(-1)),
  // from the registry's own log
  registryWrites: async (cluster) => {
    const { stdout, stderr } = await run('docker', ['logs', `${cluster}-local-registry`])
    return (stdout + stderr).split('\n').filter((line) => /"(PUT|POST|PATCH|DELETE) \/v2\//.test(line)).length
  },
  remains: async (cluster) => {
    const { containers, volumes } = await inventory(cluster)
    return [...containers, ...volumes, ...(await processesLeft(cluster))]
  },
  sweep: async (cluster) => {
    const { containers, volumes } = await inventory(cluster)
    if (containers.length > 0) await docker('rm', '-f', '-v', ...containers)
    if (volumes.length > 0) await docker('volume', 'rm', '-f', ...volumes)
  },
}

/** `describe` for tests on real clusters of kind. */
export const describeOnKind = (title: string, tests: () => void): void => describeOn(provider, title, tests)

/** A project whose cluster is made by kind. */
export const kindProject = (name: string, over: ProjectOptions = {}): Project => projectOn(provider, name, over)

/** Refuses to touch a cluster that the test file did not make. */
export const mustNotExist = async (name: string): Promise<void> => {
  const { containers, volumes } = await inventory(name)
  if (containers.length + volumes.length > 0)
    throw new Error(`this machine has ${[...containers, ...volumes].join(', ')} already: remove them, or run the tests elsewhere`)
}

/** Another program that holds a port of 127.0.0.1; undefined when one does already. */
export const holdPort = (port: number): Promise<Server | undefined> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error)))
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
