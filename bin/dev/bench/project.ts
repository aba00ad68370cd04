import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { header, machine, run } from './measure.ts'

const KSAIL = fileURLToPath(new URL('../../ksail.js', import.meta.url))

/** A project that is measured, and the machine that its clusters believe to be on. */
export interface Measured {
  readonly root: string
  readonly folder: string
  readonly env: NodeJS.ProcessEnv
  /** Empties the folder of the project. */
  readonly fresh: () => void
  readonly ksail: (...args: readonly string[]) => Promise<string>
}

/** Runs measurements on a project `dev` with a state of its own, under the head of a table; its cluster is down afterwards. */
export const onProject = async (name: string, over: NodeJS.ProcessEnv, work: (it: Measured) => Promise<void>): Promise<void> => {
  const root = mkdtempSync(join(tmpdir(), 'bench-'))
  const folder = join(root, name)
  // the cache is the user's: binaries are there, as after the first use
  const env = { ...process.env, XDG_STATE_HOME: join(root, 'state'), KUBECONFIG: join(root, 'kubeconfig'), ...over }
  const ksail = (...args: readonly string[]) => run(process.execPath, [KSAIL, ...args], { cwd: folder, env })
  const fresh = (): void => {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
  }
  console.log(machine())
  console.log(header)
  try {
    await work({ root, folder, env, fresh, ksail })
    console.log(machine())
  } finally {
    await ksail('down').catch((error: Error) => console.error(error.message))
    rmSync(root, { recursive: true, force: true })
  }
}

export const onHost = (work: (it: Measured) => Promise<void>): Promise<void> =>
  onProject('dev', { DOCKER_HOST: 'unix:///nowhere/docker.sock' }, work)
