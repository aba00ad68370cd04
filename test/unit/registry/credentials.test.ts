import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ExecError } from '../../../lib/base/errors.ts'
import { withCredentials } from '../../../lib/registry/credential-folder.ts'
import { resolveCredentials, type ConfiguredCredentials } from '../../../lib/registry/credentials.ts'
import { dockerLogin } from '../../../lib/registry/docker-config.ts'
import { fakeContext, tempFolder } from '../../fakes/context.ts'
import { fakeExec } from '../../fakes/exec.ts'
import order from '../../vectors/credential-order.json' with { type: 'json' }
import configs from '../../vectors/docker-config.json' with { type: 'json' }

type Helper = string | { Username: string; Secret: string }

const withConfig = (config: unknown, helpers: Record<string, Helper> = {}) => {
  const folder = tempFolder()
  writeFileSync(join(folder, 'config.json'), typeof config === 'string' ? config : JSON.stringify(config))
  const missing = new ExecError('tool', 'could not run it', { command: '', file: '', exitCode: null, signal: null, stdout: '', stderr: '' })
  const rows = Object.entries(helpers).map(([name, answer]) => [
    `docker-credential-${name} get`,
    answer === 'missing' ? missing
    : answer === 'not found' ? { exitCode: 1, stdout: 'credentials not found in native keychain\n' }
    : answer === 'fails' ? { exitCode: 1, stderr: 'pass not initialized' }
    : JSON.stringify(answer),
  ])
  return fakeContext({ env: { DOCKER_CONFIG: folder }, exec: fakeExec(Object.fromEntries(rows)) })
}

describe('dockerLogin', () => {
  it.each(configs as unknown as { name: string; input: { host: string; config: unknown; helpers?: Record<string, Helper> }; expected: { error?: string; helper?: string } | null }[])('$name', async ({ name, input, expected }) => {
    const ctx = withConfig(input.config, input.helpers)
    const found = dockerLogin(ctx, input.host)
    if (name === 'not JSON') await expect(found).rejects.toMatchObject({ code: 'config', hint: expect.stringContaining('config.json') })
    else if (expected?.error !== undefined) await expect(found).rejects.toMatchObject({ reason: expected.error, message: expect.stringContaining(expected.helper ?? ''), hint: expect.stringContaining('credential helper') })
    else {
      const login = await found
      expect(login === undefined || 'incomplete' in login ? null : login).toEqual(expected)
    }
  })

  it('knows nothing without a configuration, and asks a helper without telling what it printed', async () => {
    expect(await dockerLogin(fakeContext(), 'ghcr.io')).toBeUndefined()
    const ctx = withConfig({ credsStore: 'desktop' }, { desktop: { Username: 'u', Secret: 's3cret' } })
    await dockerLogin(ctx, 'docker.io')
    expect((ctx.exec as ReturnType<typeof fakeExec>).calls[0]?.options).toMatchObject({ input: 'https://index.docker.io/v1/', quiet: true })
  })
})

interface Input {
  target: string
  setting?: ConfiguredCredentials
  docker?: ConfiguredCredentials
  cluster?: ConfiguredCredentials & { pullOnly?: boolean }
}

describe('resolveCredentials', () => {
  it.each(order as { name: string; input: Input; expected: { source: string; username?: string; error?: string } }[])('$name', async ({ input, expected }) => {
    const auth = ({ username, password }: ConfiguredCredentials): string => Buffer.from(`${username}:${password}`).toString('base64')
    const ctx = withConfig(input.docker === undefined ? {} : { auths: { [input.docker.host]: { auth: auth(input.docker) } } })
    const found = resolveCredentials(ctx, input.target, { setting: input.setting, cluster: async () => input.cluster })
    if (expected.error !== undefined) await expect(found).rejects.toMatchObject({ reason: expected.error, message: expect.stringContaining(expected.source) })
    else expect(await found).toMatchObject(expected)
  })
})

describe('withCredentials', () => {
  it('lends a private file that is gone afterwards, also after a failure', async () => {
    const ctx = fakeContext()
    let seen = ''
    const lend = withCredentials(ctx, 'docker.io', { source: 'setting', username: 'u', password: 'p:w' }, async (config) => {
      seen = config ?? ''
      expect(statSync(seen).mode & 0o777).toBe(0o600)
      expect(statSync(dirname(seen)).mode & 0o777).toBe(0o700)
      expect(JSON.parse(readFileSync(seen, 'utf8'))).toEqual({ auths: { 'https://index.docker.io/v1/': { auth: Buffer.from('u:p:w').toString('base64') } } })
      throw new Error('x')
    })
    await expect(lend).rejects.toThrow('x')
    expect(existsSync(dirname(seen))).toBe(false)
  })

  it('leaves the logins of Docker where they are', async () => {
    const ctx = fakeContext()
    mkdirSync(join(ctx.cwd, 'x'))
    expect(await withCredentials(ctx, 'ghcr.io', { source: 'docker', username: 'u' }, async (config) => config)).toBeUndefined()
  })
})
