import { homedir } from 'node:os'
import { join } from 'node:path'

type Env = Readonly<Record<string, string | undefined>>

/** HOME of this environment, else the user's own. */
export const homeFolder = (env: Env): string => env['HOME'] || homedir()

/** State of ksail that outlives a project folder: `$XDG_STATE_HOME/ksail`, else `~/.local/state/ksail`. */
export const stateFolder = (env: Env): string => join(env['XDG_STATE_HOME'] || join(homeFolder(env), '.local', 'state'), 'ksail')

/** What can be made again: `$XDG_CACHE_HOME/ksail`, else `~/.cache/ksail`. */
export const cacheFolder = (env: Env): string => join(env['XDG_CACHE_HOME'] || join(homeFolder(env), '.cache'), 'ksail')

/** `~/.kube/config` of this environment. */
export const defaultKubeconfig = (env: Env): string => join(homeFolder(env), '.kube', 'config')
