import { describe, expect, it } from 'vitest'
import { promote, type PromoteOptions } from '../../../lib/workload/promote.ts'
import { fakeContext } from '../../fakes/context.ts'
import { fakeExec } from '../../fakes/exec.ts'

const ONE = `sha256:${'1'.repeat(64)}`
const TWO = `sha256:${'2'.repeat(64)}`

/** Two registries on this machine, as tags by `host/repository:tag`. */
const world = (tags: Record<string, string> = { 'localhost:5050/app:dev': ONE }, lose = false) => {
  const exec = fakeExec({
    'oras resolve *': ([, name]) =>
      tags[name ?? ''] ?? { exitCode: 1, stderr: `Error response from registry: failed to resolve digest: ${name}: not found` },
    'oras cp *': ([, , from, to]) => {
      const [repository, names] = (to ?? '').split(/:(?=[^/]*$)/) as [string, string]
      for (const tag of names.split(',')) tags[`${repository}:${tag}`] = lose ? TWO : (from?.split('@')[1] ?? '')
      return 'Copied\n'
    },
  })
  const ctx = fakeContext({ exec })
  return {
    tags,
    exec,
    run: (over: PromoteOptions = {}) =>
      promote({ from: 'oci://localhost:5050/app:dev', to: 'oci://localhost:5051/team/app:v1', ...over }, ctx),
  }
}

describe('promote', () => {
  it('copies by digest, the content first, then the tags in order', async () => {
    const { run, exec } = world()
    expect(await run({ alsoTags: ['live', 'v1'] })).toMatchObject({
      reference: `oci://localhost:5051/team/app:v1@${ONE}`,
      from: `oci://localhost:5050/app:dev@${ONE}`,
      tag: 'v1',
      digest: ONE,
      changed: true,
    })
    expect(exec.commands().filter((it) => it.startsWith('oras cp'))).toEqual([
      `oras cp --no-tty localhost:5050/app@${ONE} localhost:5051/team/app:sha-111111111111,v1,live --from-plain-http --to-plain-http`,
    ])
  })

  it('writes nothing when it is there, and keeps the tag when none is named', async () => {
    const { run, exec, tags } = world({ 'localhost:5050/app:dev': ONE, 'localhost:5051/team/app:dev': ONE })
    expect(await run({ to: 'oci://localhost:5051/team/app' })).toMatchObject({ tag: 'dev', changed: false })
    expect(exec.commands().some((it) => it.startsWith('oras cp'))).toBe(false)
    expect(Object.keys(tags)).toHaveLength(2)
  })

  it('needs no tag of a source that is named by digest', async () => {
    const { run, exec } = world({})
    expect(await run({ from: `oci://localhost:5050/app@${ONE}` })).toMatchObject({ digest: ONE, changed: true })
    expect(exec.commands()).not.toContainEqual(expect.stringContaining('resolve localhost:5050'))
  })

  it('says that there is nothing of that digest', async () => {
    const exec = fakeExec({
      'oras resolve *': { exitCode: 1, stderr: 'Error response from registry: failed to resolve digest: x: not found' },
      'oras cp *': {
        exitCode: 1,
        stderr: `Error from source registry for "localhost:5050/app@${ONE}": localhost:5050/app@${ONE}: not found\n`,
      },
    })
    const run = promote({ from: `oci://localhost:5050/app@${ONE}`, to: 'oci://localhost:5051/app:v1' }, fakeContext({ exec }))
    await expect(run).rejects.toMatchObject({
      code: 'unresolved',
      message: `there is no artifact oci://localhost:5050/app@${ONE}`,
      hint: 'push it first',
    })
  })

  it('does not believe a copy that came out as something else', async () => {
    await expect(world(undefined, true).run()).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining(`is ${TWO} after the copy, not ${ONE}`),
    })
  })

  it('does not move a tag that must not move', async () => {
    const { run, tags } = world({ 'localhost:5050/app:dev': ONE, 'localhost:5051/team/app:v1': TWO })
    await expect(run({ immutable: true })).rejects.toMatchObject({ exitCode: 4 })
    expect(tags['localhost:5051/team/app:v1']).toBe(TWO)
  })

  it.each<[string, PromoteOptions, number]>([
    ['no source', { from: undefined }, 2],
    ['no target', { to: undefined }, 2],
    ['a target by digest', { to: `oci://localhost:5051/app@${ONE}` }, 2],
    ['no tag anywhere', { from: `oci://localhost:5050/app@${ONE}`, to: 'oci://localhost:5051/app' }, 2],
    ['a further tag that is none', { alsoTags: ['a b'] }, 2],
    ['a source that is not there', { from: 'oci://localhost:5050/app:gone' }, 6],
  ])('refuses %s', async (_name, over, exitCode) => {
    await expect(world().run(over)).rejects.toMatchObject({ exitCode })
  })
})
