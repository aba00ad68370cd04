import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The program of a real registry on this machine; undefined when there is none. */
export const registryProgram = (): string | undefined =>
  ['registry', 'docker-registry'].find((name) => {
    try {
      execFileSync(name, ['--version'], { stdio: 'ignore' })
      return true
    } catch {
      return false
    }
  })

/** Where a registry that was told to choose its port says that it listens: a port chosen for it could be taken by somebody else before. */
const listening = async (child: ChildProcess, log: string): Promise<string> => {
  const deadline = Date.now() + 60_000
  for (;;) {
    const said = readFileSync(log, 'utf8')
    const host = /listening on (127\.0\.0\.1:\d+)/.exec(said)?.[1]
    if (host !== undefined) return host
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`the registry does not listen:\n${said}`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

/** The login that `htpasswd` of a registry lets in. The hash is bcrypt, as registries want it. */
export const LOGIN = { username: 'octo', password: 'canary-Zq8vT3mX' } as const
const HTPASSWD = `${LOGIN.username}:$2y$05$abcdefghijklmnopqrstuuPIuLW4dChk9msViGpyUnqCXhbDRY8RS\n`

interface RegistryOptions {
  /** Lets nobody in but LOGIN. */
  readonly login?: boolean
}

/** A real registry on loopback, with its data in a folder. */
export const startRegistry = async (
  program: string,
  folder: string,
  { login = false }: RegistryOptions = {},
): Promise<{ readonly host: string; stop(): Promise<void> }> => {
  mkdirSync(folder, { recursive: true })
  const config = join(folder, 'config.yml')
  const accounts = join(folder, 'htpasswd')
  if (login) writeFileSync(accounts, HTPASSWD)
  const auth = login ? `auth: {htpasswd: {realm: test, path: ${accounts}}}\n` : ''
  writeFileSync(
    config,
    `version: 0.1\nlog: {level: info, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: ${join(folder, 'data')}}, delete: {enabled: true}}\nhttp: {addr: "127.0.0.1:0", secret: test, relativeurls: true}\n${auth}`,
  )
  const log = join(folder, 'log')
  const written = openSync(log, 'w')
  const child = spawn(program, ['serve', config], { stdio: ['ignore', written, written] })
  closeSync(written)
  const ended = new Promise<void>((resolve) => void child.once('close', () => resolve()))
  const host = await listening(child, log)
  return {
    host,
    stop: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}
