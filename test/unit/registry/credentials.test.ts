import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { withCredentials } from '../../../lib/registry/credential-folder.ts'
import { dockerLogin } from '../../../lib/registry/docker-config.ts'
import { fakeContext } from '../../fakes/context.ts'
import type { fakeExec } from '../../fakes/exec.ts'
import { withDockerConfig } from '../../topics/registry.ts'

describe('dockerLogin', () => {
  it('names a file that is no JSON', async () => {
    await expect(dockerLogin(withDockerConfig('{'), 'ghcr.io')).rejects.toMatchObject({
      code: 'config',
      hint: expect.stringContaining('config.json'),
    })
  })

  it.each(['missing', 'fails'])('names a helper that is missing or fails: %s', async (helper) => {
    const ctx = withDockerConfig({ credsStore: 'desktop' }, { desktop: helper })
    await expect(dockerLogin(ctx, 'ghcr.io')).rejects.toMatchObject({ code: 'config', hint: expect.stringContaining('credential helper') })
  })

  it('knows nothing without a configuration, and asks a helper without telling what it printed', async () => {
    expect(await dockerLogin(fakeContext(), 'ghcr.io')).toBeUndefined()
    const ctx = withDockerConfig({ credsStore: 'desktop' }, { desktop: { Username: 'u', Secret: 's3cret' } })
    await dockerLogin(ctx, 'docker.io')
    expect((ctx.exec as ReturnType<typeof fakeExec>).calls[0]?.options).toMatchObject({ input: 'https://index.docker.io/v1/', quiet: true })
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
      expect(JSON.parse(readFileSync(seen, 'utf8'))).toEqual({
        auths: { 'https://index.docker.io/v1/': { auth: Buffer.from('u:p:w').toString('base64') } },
      })
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
