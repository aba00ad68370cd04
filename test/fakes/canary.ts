import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Every form in which a secret could show: as it is, and as the word that registries get. */
export const formsOf = ({ username, password }: { readonly username: string; readonly password: string }): readonly string[] => [
  password,
  encodeURIComponent(password),
  Buffer.from(`${username}:${password}`).toString('base64'),
  Buffer.from(password).toString('base64'),
]

/** What processes of this machine were started with: /proc where there is one, and ps. */
const commandLines = (): readonly string[] => {
  const found: string[] = []
  if (existsSync('/proc/self/cmdline'))
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        found.push(readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '))
      } catch {
        // it ended meanwhile
      }
    }
  return found
}

const ps = (): Promise<string> =>
  new Promise((resolve) => execFile('ps', ['-A', '-ww', '-o', 'args'], { maxBuffer: 1 << 26 }, (_error, stdout) => resolve(stdout)))

export interface Watch {
  /** Command lines that were seen while it ran. */
  readonly seen: Set<string>
  /** Looks now: who waits for somebody at this moment is seen. */
  look(): void
  stop(): Promise<void>
}

/** Looks at every process of the machine, again and again, until it is stopped. */
export const watchProcesses = (): Watch => {
  const seen = new Set<string>()
  let stopped = false
  const look = (): void => commandLines().forEach((line) => seen.add(line))
  const looks = async (): Promise<void> => {
    while (!stopped) {
      look()
      await new Promise((resolve) => setTimeout(resolve, 15))
    }
  }
  const list = async (): Promise<void> => {
    while (!stopped) {
      for (const line of (await ps()).split('\n')) seen.add(line)
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
  }
  const loops = [looks(), list()]
  return {
    seen,
    look,
    stop: async () => {
      stopped = true
      await Promise.all(loops)
    },
  }
}

/** Files below a folder that hold one of these texts. */
export const filesWith = (folder: string, texts: readonly string[]): readonly string[] => {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) => {
    const path = join(entry.parentPath, entry.name)
    return entry.isFile() && texts.some((text) => readFileSync(path).includes(text)) ? [path] : []
  })
}
