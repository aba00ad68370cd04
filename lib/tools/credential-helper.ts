import { ExecError, isKsailError, KsailError, messageOf } from '../base/errors.ts'
import type { Context } from '../base/context.ts'

export interface HelperAnswer {
  readonly username: string
  readonly secret: string
}

/**
 * Asks `docker-credential-<name>` for the login of a host; undefined when it has none. A helper that is missing or fails is an error: docker
 * itself would stop there too.
 */
export const askHelper = async (ctx: Context, name: string, host: string): Promise<HelperAnswer | undefined> => {
  const program = `docker-credential-${name}`
  const failed = (why: string, cause?: unknown): KsailError =>
    new KsailError('config', `the credential helper ${program} ${why}`, {
      cause,
      reason: 'credential-helper',
      hint: 'install it, or mend credsStore and credHelpers in config.json of Docker (credential helper)',
    })
  let stdout: string
  try {
    stdout = (await ctx.exec(program, ['get'], { input: host, timeout: 20_000, quiet: true })).stdout
  } catch (error) {
    if (isKsailError(error, 'interrupted', 'terminated')) throw error
    if (isKsailError(error, 'tool')) throw failed('is not installed', error)
    const text = error instanceof ExecError ? `${error.result.stdout}\n${error.result.stderr}` : messageOf(error)
    if (/credentials not found|no credentials server URL/i.test(text)) return undefined
    throw failed(`failed: ${text.trim().split('\n')[0] ?? messageOf(error)}`, error)
  }
  try {
    const { Username: username = '', Secret: secret = '' } = JSON.parse(stdout) as { Username?: string; Secret?: string }
    return { username, secret }
  } catch {
    throw failed('answers with something that is not JSON')
  }
}
