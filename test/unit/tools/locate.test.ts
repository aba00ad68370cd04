import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Tool } from '../../../lib/base/tool.ts'
import { accepts, createLocate } from '../../../lib/tools/locate.ts'
import { fakeContext, tempFolder } from '../../fakes/context.ts'
import { fakeExec } from '../../fakes/exec.ts'

const tool: Tool = {
  name: 'kind',
  summary: 'Kubernetes in containers',
  accepts: '>=0.30 <1',
  version: ['version'],
  home: 'https://kind.sigs.k8s.io',
}

const program = (folder: string, name = 'kind'): string => {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, name), '#!/bin/sh\n')
  chmodSync(join(folder, name), 0o755)
  return join(folder, name)
}

const world = (answers: Readonly<Record<string, string>>, env: Readonly<Record<string, string>>) => {
  const exec = fakeExec({ 'kind version': (_args, _options) => answers[exec.calls.at(-1)!.file] ?? 'nothing' })
  return { exec, ctx: fakeContext({ exec, env }) }
}

describe('locate', () => {
  it('takes the first on PATH whose version is accepted', async () => {
    const folder = tempFolder()
    const [old, good] = [program(join(folder, 'old')), program(join(folder, 'good'))]
    const { ctx } = world(
      { [old]: 'kind v0.20.0 go1.20 linux/amd64', [good]: 'kind v0.33.0 go1.25 linux/amd64' },
      { PATH: `${join(folder, 'old')}:${join(folder, 'good')}` },
    )
    expect(await createLocate(ctx)(tool)).toBe(good)
  })

  it('names what it looked at and what to do when none is accepted', async () => {
    const folder = tempFolder()
    const old = program(folder)
    const { ctx } = world({ [old]: 'kind v0.20.0' }, { PATH: folder })
    await expect(createLocate(ctx)(tool)).rejects.toMatchObject({
      code: 'tool',
      exitCode: 6,
      message: 'kind is needed (Kubernetes in containers); looked in',
      details: ['1. KSAIL_TOOL_KIND: not set', `2. PATH: ${old} is 0.20.0, accepted is >=0.30 <1`],
      hint: 'install kind >=0.30 <1 from https://kind.sigs.k8s.io, or set KSAIL_TOOL_KIND to its path',
    })
  })

  it('says so when it is nowhere', async () => {
    await expect(createLocate(world({}, { PATH: '/nowhere' }).ctx)(tool)).rejects.toMatchObject({
      details: ['1. KSAIL_TOOL_KIND: not set', '2. PATH: no kind in /nowhere'],
    })
  })

  it('remembers what several said at the same time', async () => {
    const folder = tempFolder()
    const names = ['a', 'b', 'c', 'd']
    const exec = fakeExec({ '* version': 'v0.33.0' })
    const ctx = fakeContext({ exec, env: { PATH: folder } })
    for (const name of names) program(folder, name)
    const ask = () => {
      const locate = createLocate(ctx)
      return Promise.all(names.map((name) => locate({ ...tool, name })))
    }
    await ask()
    expect(exec.calls).toHaveLength(4)
    await ask()
    expect(exec.calls).toHaveLength(4)
  })

  it('trusts the variable without asking, but not a path that is no program', async () => {
    const path = program(tempFolder())
    const { ctx, exec } = world({}, { PATH: '', KSAIL_TOOL_KIND: path })
    expect(await createLocate(ctx)(tool)).toBe(path)
    expect(exec.calls).toEqual([])
    await expect(createLocate(world({}, { KSAIL_TOOL_KIND: '/nowhere/kind' }).ctx)(tool)).rejects.toMatchObject({
      code: 'config',
      exitCode: 2,
    })
  })

  it('asks a program once, and again when it has changed', async () => {
    const folder = tempFolder()
    const path = program(folder)
    const { ctx, exec } = world({ [path]: 'kind v0.33.0' }, { PATH: folder })
    await createLocate(ctx)(tool)
    await createLocate(ctx)(tool)
    expect(exec.calls).toHaveLength(1)
    writeFileSync(path, '#!/bin/sh\n# newer\n')
    await createLocate(ctx)(tool)
    expect(exec.calls).toHaveLength(2)
  })
})

it.each([
  ['>=1.3 <2', '1.3.4', true],
  ['>=20.10 <100', '20.10.24+dfsg1', true],
  ['>=1.33 <2', 'v1.34.0-dispatcher', true],
  ['>=0.30 <1', '0.29.9', false],
  ['>=0.30 <1', 'x', false],
])('accepts(%s, %s) is %s', async (range, version, expected) => {
  expect(await accepts(range, version)).toBe(expected)
})
