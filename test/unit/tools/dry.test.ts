import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { KsailError } from '../../../lib/base/errors.ts'
import { lookingOnly, previewOneOf, previewTools } from '../../../lib/tools/dry.ts'
import { fakeContext, tempFolder } from '../../fakes/context.ts'
import { fakeExec } from '../../fakes/exec.ts'

const setup = (env: Record<string, string> = {}, go = false) => {
  const folder = join(tempFolder(), 'bin')
  mkdirSync(folder)
  writeFileSync(join(folder, 'kubectl'), '')
  chmodSync(join(folder, 'kubectl'), 0o755)
  const exec = fakeExec({
    'kubectl version --client': 'Client Version: v1.34.0\n',
    'go env GOVERSION': go ? 'go1.25.0\n' : new KsailError('tool', 'no go'),
  })
  const locate = (tool: { readonly name: string }): never => {
    throw new Error(`${tool.name} was asked for in earnest`)
  }
  const ctx = fakeContext({ exec, env: { PATH: folder, ...env }, locate })
  return { ctx, preview: () => previewTools(ctx, lookingOnly(ctx), ['kubectl', 'etcd', 'etcd']) }
}

describe('previewTools', () => {
  it('says what would be downloaded, and downloads nothing', async () => {
    expect(await setup().preview()).toEqual([
      expect.stringMatching(/^etcd [\d.]+ would be downloaded first, from https:\/\/github\.com\/\S+envtest\S+$/),
    ])
  })

  it('says what would be built where nothing may be downloaded', async () => {
    expect(await setup({ KSAIL_OFFLINE: '1' }, true).preview()).toEqual(['etcd would be built with go first'])
  })

  it('fails for what could not be got, as asking for it does', async () => {
    await expect(setup({ KSAIL_OFFLINE: '1' }).preview()).rejects.toThrow('etcd was asked for in earnest')
  })

  it('names the mirrors, without the password for them', async () => {
    const mirrors = { KSAIL_MIRROR: 'https://me:secret-word@mirror.example.com/x/', KSAIL_IMAGE_MIRROR: 'registry.example.com/y' }
    const { ctx, preview } = setup(mirrors)
    expect(await preview()).toEqual([expect.stringMatching(/from https:\/\/mirror\.example\.com\/x\/github\.com\/\S+$/)])
    expect(await previewTools(ctx, lookingOnly(ctx), ['source-controller'])).toEqual([
      expect.stringMatching(/ from registry\.example\.com\/y\/ghcr\.io\/fluxcd\/source-controller@sha256:[0-9a-f]{64}$/),
    ])
  })
})

describe('previewOneOf', () => {
  const one = (...given: Parameters<typeof setup>) => {
    const { ctx } = setup(...given)
    return (...names: Parameters<typeof previewOneOf>[2]) => previewOneOf(ctx, lookingOnly(ctx), names)
  }

  it('says what would be got first, and nothing where one is there', async () => {
    expect(await one()('flux', 'etcd')).toEqual([expect.stringMatching(/^flux [\d.]+ would be downloaded first/)])
    expect(await one()('kubectl', 'flux')).toEqual([])
    expect(await one({ KSAIL_OFFLINE: '1' }, true)('flux', 'controller-gen')).toEqual(['controller-gen would be built with go first'])
  })

  it('fails for the first where none could be got', async () => {
    await expect(one({ KSAIL_OFFLINE: '1' })('flux', 'controller-gen')).rejects.toThrow('flux was asked for in earnest')
  })
})
