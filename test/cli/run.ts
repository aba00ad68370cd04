import { spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The command as it is installed. */
export const program = fileURLToPath(new URL('../../dist/bin/ksail.js', import.meta.url))

export interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

interface Options {
  readonly cwd?: string
  readonly env?: Record<string, string>
  /** Another copy of the command than the one that was built here. */
  readonly program?: string
  /** Called with each chunk of stderr, to act while it runs. */
  readonly onStderr?: (text: string, child: ChildProcess) => void
}

/** Runs the built command and waits for its end. */
export const ksail = (words: readonly string[], { cwd, env, program: file = program, onStderr }: Options = {}): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file, ...words], { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => void (stdout += chunk))
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk
      onStderr?.(stderr, child)
    })
    child.once('error', reject)
    child.once('close', (status) => resolve({ status, stdout, stderr }))
  })

export const emptyFolder = (): string => realpathSync(mkdtempSync(join(tmpdir(), 'project-')))

/** A folder of programs that stand in for the real ones, and a PATH that has them first and nothing but Node and a shell after them. */
export const standIns = (programs: Readonly<Record<string, string>>): { readonly PATH: string } => {
  const folder = join(emptyFolder(), 'bin')
  mkdirSync(folder)
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`)
    chmodSync(join(folder, name), 0o755)
  }
  return { PATH: [folder, '/usr/bin', '/bin'].join(delimiter) }
}
