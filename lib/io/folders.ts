import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

type Env = Readonly<Record<string, string | undefined>>

/** HOME of this environment, else the user's own. */
export const homeFolder = (env: Env): string => env['HOME'] || homedir()

/** A folder of the XDG kind: its specification wants relative paths to be ignored, as they would mean another place in every folder. */
const xdg = (env: Env, variable: string, ...home: readonly string[]): string => {
  const given = env[variable] ?? ''
  return isAbsolute(given) ? given : join(homeFolder(env), ...home)
}

/** State of ksail that outlives a project folder: `$XDG_STATE_HOME/ksail`, else `~/.local/state/ksail`. */
export const stateFolder = (env: Env): string => join(xdg(env, 'XDG_STATE_HOME', '.local', 'state'), 'ksail')

/** What can be made again: `$XDG_CACHE_HOME/ksail`, else `~/.cache/ksail`. */
export const cacheFolder = (env: Env): string => join(xdg(env, 'XDG_CACHE_HOME', '.cache'), 'ksail')

/** `~/.kube/config` of this environment. */
export const defaultKubeconfig = (env: Env): string => join(homeFolder(env), '.kube', 'config')
