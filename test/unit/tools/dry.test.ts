import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { KsailError } from '../../../lib/base/errors.ts'
import { lookingOnly, previewTools } from '../../../lib/tools/dry.ts'
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
  return previewTools(ctx, lookingOnly(ctx), ['kubectl', 'etcd', 'etcd'])
}

describe('previewTools', () => {
  it('says what would be downloaded, and downloads nothing', async () => {
    expect(await setup()).toEqual(['etcd would be downloaded first'])
  })

  it('says what would be built where nothing may be downloaded', async () => {
    expect(await setup({ KSAIL_OFFLINE: '1' }, true)).toEqual(['etcd would be built with go first'])
  })

  it('fails for what could not be got, as asking for it does', async () => {
    await expect(setup({ KSAIL_OFFLINE: '1' })).rejects.toThrow('etcd was asked for in earnest')
  })
})
