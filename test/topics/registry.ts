import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ExecError } from '../../lib/base/errors.ts'
import { chooseRegistry } from '../../lib/registry/choose.ts'
import { resolveCredentials } from '../../lib/registry/credentials.ts'
import { dockerLogin } from '../../lib/registry/docker-config.ts'
import { runRegistry } from '../../lib/registry/make.ts'
import { fakeContext, tempFolder } from '../fakes/context.ts'
import { fakeExec } from '../fakes/exec.ts'
import { given, gives, only, outcome, type Topic } from './topic.ts'

/** What a helper of a table does: an answer, `not found`, `missing` or `fails`. */
export type HelperRow = string | { readonly Username: string; readonly Secret: string }

/** A context whose Docker configuration and credential helpers are those of a table. */
export const withDockerConfig = (config: unknown, helpers: Readonly<Record<string, HelperRow>> = {}) => {
  const folder = tempFolder()
  writeFileSync(join(folder, 'config.json'), typeof config === 'string' ? config : JSON.stringify(config))
  const missing = new ExecError('tool', 'could not run it', { command: '', file: '', exitCode: null, signal: null, stdout: '', stderr: '' })
  const answerOf = (row: HelperRow) => {
    if (row === 'missing') return missing
    if (row === 'not found') return { exitCode: 1, stdout: 'credentials not found in native keychain\n' }
    return row === 'fails' ? { exitCode: 1, stderr: 'pass not initialized' } : JSON.stringify(row)
  }
  const rows = Object.entries(helpers).map(([name, row]) => [`docker-credential-${name} get`, answerOf(row)])
  return fakeContext({ env: { DOCKER_CONFIG: folder }, exec: fakeExec(Object.fromEntries(rows)) })
}

const login: Topic = async ({ input: { host, config, helpers }, expected }) => {
  const find = async () => {
    const found = await dockerLogin(withDockerConfig(config, helpers), host)
    if (found === undefined || 'incomplete' in found) return undefined
    const { overlooked: _, ...login } = found
    return login
  }
  const got = await outcome(find, ({ message }) => ({ helper: /docker-credential-[\w-]+/.exec(message)?.[0] }))
  // a look-up has nothing in a file that is no JSON; that the product stops there, naming the file, is for the moment when a login is needed
  const unreadable = (got as { error?: string } | null)?.error === 'docker-config'
  return { got: unreadable ? null : got, want: expected }
}

const order: Topic = async ({ input: { target, setting, docker, cluster }, expected }) => {
  const auth = docker === undefined ? '' : Buffer.from(`${docker.username}:${docker.password}`).toString('base64')
  const ctx = withDockerConfig(docker === undefined ? {} : { auths: { [docker.host]: { auth } } })
  const SOURCES = { 'registry setting': 'setting', 'docker login': 'docker', 'secret of the cluster': 'cluster' }
  const got = await outcome(
    () => resolveCredentials(ctx, target, { setting, cluster: async () => cluster }),
    ({ message }) => ({ source: Object.entries(SOURCES).find(([words]) => message.includes(words))?.[1] }),
  )
  return { got: only(got, expected), want: expected }
}

const port = async ({ configured, used }: { configured: number | null; used: readonly number[] }): Promise<unknown> => {
  const owner = { id: 'abc', project: '/home/me/app' }
  const ctx = fakeContext({ exec: fakeExec({ 'docker run *': 'id\n' }) })
  return runRegistry(ctx, { cluster: 'dev', owner, image: 'registry:3', port: given(configured), isFree: async (it) => !used.includes(it) })
}

export const registryTopics = {
  'registry-container': gives(
    ({ containers, cluster }) => chooseRegistry(containers as Parameters<typeof chooseRegistry>[0], cluster)?.name,
  ),
  'port-choice': gives(port, ({ message }) => ({ port: Number(/port (\d+)/.exec(message)?.[1]) })),
  'docker-config': login,
  'credential-order': order,
} satisfies Record<string, Topic>
