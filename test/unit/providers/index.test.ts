import { describe, expect, it } from 'vitest'
import { KsailError } from '../../../lib/base/errors.ts'
import { resolveProvider } from '../../../lib/providers/index.ts'
import { fakeContext } from '../../fakes/context.ts'
import { fakeExec } from '../../fakes/exec.ts'

const up = { 'docker version *': '29.0\n' }
const down = { 'docker version *': { exitCode: 1, stderr: 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock' } }

describe('resolveProvider', () => {
  it.each([{}, { configured: 'Auto' }, { configured: 'Docker' }, { recorded: 'Docker' }, { recorded: 'Docker', configured: 'Docker' }])(
    'is Docker for %o where it answers',
    async (wanted) => {
      expect(await resolveProvider(fakeContext({ exec: fakeExec(up) }), wanted)).toBe('Docker')
    },
  )

  it.each([
    [{ configured: 'Docker' }, /--provider Host/],
    [{ recorded: 'Docker' }, /^start Docker((?!Host).)*$/],
  ])('is exit 6 with the reason for %o where docker is down, and a way out that there is', async (wanted, hint) => {
    await expect(resolveProvider(fakeContext({ exec: fakeExec(down) }), wanted)).rejects.toMatchObject({
      exitCode: 6,
      details: ['Docker: docker does not answer', '  Cannot connect to the Docker daemon at unix:///var/run/docker.sock'],
      hint: expect.stringMatching(hint),
    })
  })

  it('is Host where nobody named one and docker is down, and says why', async () => {
    const ctx = fakeContext({ exec: fakeExec(down), platform: 'linux' })
    expect(await resolveProvider(ctx, { say: true })).toBe('Host')
    expect(ctx.events).toEqual([
      { kind: 'note', text: 'provider Host, processes of this user on this machine, because docker does not answer' },
    ])
    await expect(resolveProvider(fakeContext({ exec: fakeExec(down), platform: 'win32' }), {})).rejects.toMatchObject({
      exitCode: 6,
      message: 'no provider answers',
    })
  })

  it('says why in one line where there is no docker at all, and where it was looked for when nothing else will do', async () => {
    const locate = async (): Promise<never> => {
      throw new KsailError('tool', 'docker is needed (container engine); looked in', { details: ['1. PATH: no docker in /bin'] })
    }
    const ctx = fakeContext({ locate, platform: 'linux' })
    expect(await resolveProvider(ctx, { say: true })).toBe('Host')
    expect(ctx.texts()).toEqual(['provider Host, processes of this user on this machine, because no docker was found that can be used'])
    await expect(resolveProvider(ctx, { configured: 'Docker' })).rejects.toMatchObject({
      details: ['Docker: no docker was found that can be used', '  1. PATH: no docker in /bin'],
    })
  })

  it('never changes the provider of a recorded cluster', async () => {
    await expect(resolveProvider(fakeContext(), { recorded: 'Host', configured: 'Docker' })).rejects.toMatchObject({ code: 'conflict' })
    expect(await resolveProvider(fakeContext({ platform: 'linux' }), { recorded: 'Host' })).toBe('Host')
    await expect(resolveProvider(fakeContext(), { recorded: 'Moon' })).rejects.toMatchObject({ message: 'there is no provider "Moon"' })
  })
})
