import { configError, isKsailError, KsailError, type Place } from '../base/errors.ts'
import type { Context } from '../base/context.ts'
import { expandPlaceholders } from '../base/placeholders.ts'
import { parseRegistrySetting } from '../base/registry-setting.ts'
import type { Registry } from '../base/target.ts'

/**
 * A registry setting, placeholders expanded and read; undefined for blanks. The password, its base64 with the user, and every expanded value that
 * is not part of the address become secrets: they are never printed. Throws `config` that names the setting.
 */
export const readRegistry = (text: string, setting: string, { env, secrets }: Pick<Context, 'env' | 'secrets'>): Registry | undefined => {
  const seen: string[] = []
  const expanded = expandPlaceholders(text, env, setting, (value) => seen.push(value))
  let registry: Registry | undefined
  try {
    registry = parseRegistrySetting(expanded)
  } catch (error) {
    // what is wrong may be a part that holds a secret: better too much hidden than too little
    for (const value of seen) secrets.add(value)
    if (!isKsailError(error)) throw error
    throw new KsailError('config', `${setting}: ${error.message}`, { hint: error.hint, reason: error.reason })
  }
  if (registry === undefined) return undefined
  const { host, port, repository, tag, username, password } = registry
  const shown = [`${host}:${port}/${repository}:${tag}`.toLowerCase(), username.toLowerCase()]
  for (const value of seen) if (value !== '' && !shown.some((it) => it.includes(value.toLowerCase()))) secrets.add(value)
  if (password !== '') {
    secrets.add(password)
    secrets.add(Buffer.from(`${username}:${password}`).toString('base64'))
  }
  return registry
}

/** Half a login is an error before anything starts: it would go out as an anonymous request that fails with a misleading answer. */
export const checkLogin = ({ username, password, host }: Registry, setting: string): void => {
  if ((username === '') === (password === '')) return
  throw new KsailError('config', `${setting}: the ${username === '' ? 'user' : 'password'} for ${host} is missing`, {
    reason: 'credentials',
    hint: 'name both as user:password@host, or neither and use docker login',
  })
}

/** Adds the place to what a placeholder complains about. */
export const at = <T>(place: Place, run: () => T): T => {
  try {
    return run()
  } catch (error) {
    throw isKsailError(error) ? configError(place, error.message, error.hint, error.reason) : error
  }
}
