import { lstatSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { checkKubeconfig, hasEntry, removeContext, writeContext } from '../../../lib/io/kubeconfig.ts'
import { fakeContext } from '../../fakes/context.ts'

const entry = {
  name: 'ksail-dev',
  server: 'https://127.0.0.1:6443',
  certificate: '-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n',
  token: 'secret',
}

const OTHER = `# mine
apiVersion: v1
kind: Config
clusters: [{name: other, cluster: {server: https://example.com}}]
contexts: [{name: other, context: {cluster: other, user: other}}]
users: [{name: other, user: {token: unused}}]
current-context: other
`

const world = (text?: string) => {
  const ctx = fakeContext()
  const file = join(ctx.cwd, '..', 'home', '.kube', 'config')
  if (text !== undefined) {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  return {
    ctx,
    file,
    config: () => parse(readFileSync(file, 'utf8')) as Record<string, { name: string }[]> & { 'current-context': string },
  }
}

describe('kubeconfig', () => {
  it('makes the file for its user alone and writes the context as the current one', async () => {
    const { ctx, file, config } = world()
    expect(await hasEntry(file, entry)).toBe(false)
    await writeContext(ctx, file, entry)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(config()).toMatchObject({
      'current-context': 'ksail-dev',
      clusters: [{ name: 'ksail-dev', cluster: { server: entry.server } }],
      users: [{ user: { token: 'secret' } }],
    })
    expect(await hasEntry(file, entry)).toBe(true)
    expect(await hasEntry(file, { ...entry, server: 'https://127.0.0.1:6444' })).toBe(false)
  })

  it('keeps what others wrote, also their comments, and takes only its own away', async () => {
    const { ctx, file, config } = world(OTHER)
    await writeContext(ctx, file, entry)
    await writeContext(ctx, file, { ...entry, token: 'newer' })
    expect(config()['contexts']?.map(({ name }) => name)).toEqual(['other', 'ksail-dev'])
    await removeContext(ctx, file, 'ksail-dev')
    expect(readFileSync(file, 'utf8')).toContain('# mine')
    expect(config()).toMatchObject({
      clusters: [{ name: 'other' }],
      contexts: [{ name: 'other' }],
      users: [{ name: 'other' }],
      'current-context': '',
    })
  })

  it('keeps entries that only point to the one that is taken away', async () => {
    const anchored = OTHER.replace(
      /^contexts.*$/m,
      'contexts: [{name: ksail-dev, context: &it {cluster: other}}, {name: mine, context: *it}]',
    )
    const { ctx, file, config } = world(anchored)
    await writeContext(ctx, file, entry)
    await removeContext(ctx, file, 'ksail-dev')
    expect(config()['contexts']).toEqual([{ name: 'mine', context: { cluster: 'other' } }])
  })

  it('takes nothing out of a file that has nothing of it', async () => {
    const { ctx, file } = world(OTHER)
    await removeContext(ctx, file, 'ksail-dev')
    expect(readFileSync(file, 'utf8')).toBe(OTHER)
    await removeContext(ctx, `${file}-missing`, 'ksail-dev')
  })

  it.each(['', '\n', '# nothing yet\n'])('writes into a file that holds nothing: %j', async (text) => {
    const { ctx, file, config } = world(text)
    await writeContext(ctx, file, entry)
    expect(config()).toMatchObject({ kind: 'Config', 'current-context': 'ksail-dev' })
    expect(readFileSync(file, 'utf8')).toContain(text.trim())
  })

  it('leaves a link where it is and writes what it leads to', async () => {
    const { ctx, file } = world(OTHER)
    const link = join(dirname(file), 'link')
    symlinkSync(file, link)
    await writeContext(ctx, link, entry)
    expect(lstatSync(link).isSymbolicLink()).toBe(true)
    expect(await hasEntry(file, entry)).toBe(true)
  })

  it('tells before anything is made what could not be written later', async () => {
    const { file } = world(OTHER)
    await checkKubeconfig(file)
    await checkKubeconfig(join(dirname(file), 'new', 'config'))
    await expect(checkKubeconfig(dirname(file))).rejects.toMatchObject({ code: 'EISDIR', path: dirname(file) })
    await expect(checkKubeconfig(world('a: [').file)).rejects.toMatchObject({ code: 'config', message: expect.stringContaining('no YAML') })
    await expect(checkKubeconfig(world('[]').file)).rejects.toMatchObject({ message: expect.stringContaining('this is no kubeconfig') })
  })

  it('refuses a file that is no kubeconfig and leaves it as it is', async () => {
    const { ctx, file } = world('a: [')
    await expect(writeContext(ctx, file, entry)).rejects.toMatchObject({ code: 'config' })
    expect(readFileSync(file, 'utf8')).toBe('a: [')
  })
})
