import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
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

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })

const answers = async (host: string, deadline: number): Promise<void> => {
  for (;;) {
    // one that asks for a login is up as well
    const ok = await fetch(`http://${host}/v2/`).then(
      (it) => it.ok || it.status === 401,
      () => false,
    )
    if (ok) return
    if (Date.now() > deadline) throw new Error(`the registry at ${host} does not answer`)
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
  const port = await freePort()
  const config = join(folder, 'config.yml')
  const accounts = join(folder, 'htpasswd')
  if (login) writeFileSync(accounts, HTPASSWD)
  const auth = login ? `auth: {htpasswd: {realm: test, path: ${accounts}}}\n` : ''
  writeFileSync(
    config,
    `version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: ${join(folder, 'data')}}, delete: {enabled: true}}\nhttp: {addr: "127.0.0.1:${port}", secret: test, relativeurls: true}\n${auth}`,
  )
  const child = spawn(program, ['serve', config], { stdio: 'ignore' })
  const ended = new Promise<void>((resolve) => void child.once('close', () => resolve()))
  await answers(`127.0.0.1:${port}`, Date.now() + 15_000)
  return {
    host: `127.0.0.1:${port}`,
    stop: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}
