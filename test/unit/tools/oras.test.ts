import { describe, expect, it } from 'vitest'
import * as oras from '../../../lib/tools/oras.ts'
import { fakeContext } from '../../fakes/context.ts'
import { fakeExec } from '../../fakes/exec.ts'

const digest = `sha256:${'a'.repeat(64)}`
const with_ = (table: Parameters<typeof fakeExec>[0]) => {
  const exec = fakeExec(table)
  return { exec, ctx: fakeContext({ exec }) }
}

describe('oras', () => {
  it('resolves a tag with one question', async () => {
    const { ctx, exec } = with_({ 'oras resolve *': `${digest}\n` })
    expect(await oras.resolve(ctx, 'localhost:5050/k8s:dev', { plainHttp: true, config: '/run/c.json' })).toBe(digest)
    expect(exec.commands()).toEqual(['oras resolve localhost:5050/k8s:dev --plain-http --registry-config /run/c.json'])
    expect(exec.calls[0]?.options.timeout).toBe(30_000)
  })
  it.each([
    ['Error response from registry: failed to resolve digest: localhost:5050/k8s:dev: not found', undefined],
    ['Error: failed to resolve dev: docker-credential-x: not found', 'failed with exit status 1'],
  ])('knows a missing tag from a failure: %s', async (stderr, error) => {
    const { ctx } = with_({ 'oras resolve *': { exitCode: 1, stderr } })
    const found = oras.resolve(ctx, 'localhost:5050/k8s:dev', {})
    if (error === undefined) expect(await found).toBeUndefined()
    else await expect(found).rejects.toThrow(error)
  })
  it('copies a layout by digest, tags in the order given, within a time limit', async () => {
    const { ctx, exec } = with_({ 'oras cp *': 'Copied\n' })
    await oras.copyLayout(ctx, { folder: '/p/.ksail/artifacts/x', digest }, 'ghcr.io/o/r', ['sha-1', 'dev'], {
      config: '/run/c.json',
      timeout: 7000,
    })
    expect(exec.commands()).toEqual([
      `oras cp --no-tty --from-oci-layout /p/.ksail/artifacts/x@${digest} ghcr.io/o/r:sha-1,dev --to-registry-config /run/c.json`,
    ])
    expect(exec.calls[0]?.options.timeout).toBe(7000)
  })
  it('lists tags, and knows a repository that is not there', async () => {
    expect(await oras.listTags(with_({ 'oras repo tags *': '{"tags":["dev"]}' }).ctx, 'localhost:5050/k8s', {})).toEqual(['dev'])
    expect(
      await oras.listTags(
        with_({
          'oras repo tags *': { exitCode: 1, stderr: 'Error response from registry: name unknown: repository name not known to registry' },
        }).ctx,
        'localhost:5050/k8s',
        {},
      ),
    ).toBeUndefined()
  })
})
