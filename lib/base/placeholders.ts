import { KsailError } from './errors.ts'

const PLACEHOLDER = /\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g

/**
 * Replaces `${VAR}` and `${VAR:-default}`, once; every other form stays. `seen` gets each value that came from the environment.
 * Throws `config` for a variable that is unset and has no default, naming it and the setting it stands in.
 *
 * @example
 * expandPlaceholders('${HOST:-localhost}:5050', {}, 'spec.cluster.localRegistry') // 'localhost:5050'
 */
export const expandPlaceholders = (
  text: string,
  env: Readonly<Record<string, string | undefined>>,
  setting: string,
  seen: (value: string) => void = () => undefined,
): string =>
  text.replace(PLACEHOLDER, (_all, variable: string, fallback: string | undefined) => {
    const value = env[variable]
    if (fallback !== undefined && (value === undefined || value === '')) return fallback
    if (value === undefined)
      throw new KsailError('config', `${setting} needs the environment variable ${variable}, which is not set`, {
        reason: 'unset',
        hint: `set ${variable}, or give it a default as in \${${variable}:-value}`,
      })
    seen(value)
    return value
  })
