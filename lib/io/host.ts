import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

/** What differs between Node, Deno and Bun, and between machines. The only file that asks. */
export const host = {
  cwd: (): string => process.cwd(),
  env: (): Record<string, string | undefined> => process.env,
  platform: process.platform,
  arch: process.arch,
  stdinIsTerminal: (): boolean => process.stdin.isTTY === true,
  stderrIsTerminal: (): boolean => process.stderr.isTTY === true,
  stdin: (): NodeJS.ReadStream => process.stdin,
  stderr: (): NodeJS.WriteStream => process.stderr,
  /** A terminal that was never told its size says 0. */
  columns: (): number => process.stderr.columns || 80,
  writeStderr: (text: string): void => void process.stderr.write(text),
  kill: (pid: number, signal: NodeJS.Signals | 0): boolean => process.kill(pid, signal),
  pid: process.pid,
  /** Node, whose fetch takes no notice of a proxy in the environment; those of Deno and Bun do. */
  isNode: process.versions['deno'] === undefined && process.versions['bun'] === undefined,
}

let root: string | undefined

/** The folder of the package: the nearest one upwards that holds `templates/`. */
export const assetRoot = (): string => {
  if (root !== undefined) return root
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'templates'))) {
    const parent = dirname(folder)
    if (parent === folder) throw new Error('the folder templates/ of the package is missing')
    folder = parent
  }
  return (root = folder)
}
