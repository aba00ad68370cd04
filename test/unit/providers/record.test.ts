import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createRecord, listRecords, readRecord, removeRecord, writeRecord } from '../../../lib/providers/record.ts'
import { fakeContext } from '../../fakes/context.ts'

const known = { name: 'dev', project: '/p', provider: 'Docker', distribution: 'Vanilla', kubeconfig: '/kc', context: 'kind-dev' }
const folder = (ctx: ReturnType<typeof fakeContext>): string => join(ctx.env['XDG_STATE_HOME']!, 'ksail', 'clusters')

describe('the record of a cluster', () => {
  it('is there after it was created, changes, and goes', async () => {
    const ctx = fakeContext()
    expect(await readRecord(ctx, 'dev')).toBeUndefined()
    const record = await createRecord(ctx, known)
    expect(record.id).toMatch(/^[0-9a-f]{16}$/)
    expect(await readRecord(ctx, 'dev')).toEqual(record)
    await writeRecord(ctx, { ...record, port: 5051 })
    expect((await readRecord(ctx, 'dev'))?.port).toBe(5051)
    expect(await readdir(folder(ctx))).toEqual(['dev.json'])
    await removeRecord(ctx, 'dev')
    await removeRecord(ctx, 'dev')
    expect(await listRecords(ctx)).toEqual([])
  })

  it('belongs to one of two that create it at once', async () => {
    const ctx = fakeContext()
    const results = await Promise.allSettled([createRecord(ctx, known), createRecord(ctx, { ...known, project: '/other' })])
    expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    expect(results.find((it) => it.status === 'rejected')?.reason).toMatchObject({ code: 'conflict' })
    expect(await readdir(folder(ctx))).toEqual(['dev.json'])
  })

  it.each([
    ['{"id": "a', 'half'],
    ['[]', 'another shape'],
    ['null', 'nothing'],
  ])('says so when the file is not whole: %s', async (text) => {
    const ctx = fakeContext()
    await mkdir(folder(ctx), { recursive: true })
    await writeFile(join(folder(ctx), 'dev.json'), text)
    await expect(readRecord(ctx, 'dev')).rejects.toMatchObject({ code: 'config', message: expect.stringContaining('dev.json') })
  })

  it('lists whole ones by name and warns of the others', async () => {
    const ctx = fakeContext()
    await createRecord(ctx, { ...known, name: 'b' })
    await createRecord(ctx, { ...known, name: 'a' })
    await writeFile(join(folder(ctx), 'c.json'), '{')
    expect((await listRecords(ctx)).map(({ name }) => name)).toEqual(['a', 'b'])
    expect(ctx.texts().join()).toContain('c.json')
  })

  it('never leaves its folder', async () => {
    await expect(readRecord(fakeContext(), '../x')).rejects.toMatchObject({ code: 'usage' })
  })
})
