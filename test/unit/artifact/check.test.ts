import { mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { buildArtifact } from '../../../lib/artifact/build.ts'
import { checkArtifact, type CheckOptions } from '../../../lib/artifact/check.ts'
import { readFacts } from '../../../lib/artifact/facts.ts'
import { judgeContents } from '../../../lib/artifact/guards.ts'
import { buildTree } from '../../../lib/artifact/validate.ts'
import { fakeContext, tempFolder } from '../../fakes/context.ts'
import { fakeExec } from '../../fakes/exec.ts'

const entriesOf = (files: Record<string, string>) =>
  Object.entries(files).map(([path, text]) => ({ path, bytes: Buffer.from(text), executable: false }))

describe('judgeContents', () => {
  const judge = async (files: Record<string, string>, allow = false) => judgeContents(await readFacts(entriesOf(files), undefined), allow)
  const secret = 'apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  password: hunter22\n'

  it('names file and line of each finding and no value', async () => {
    const { refused } = await judge({
      'a.yaml': `kind: ConfigMap\n---\n${secret}`,
      'b.json': JSON.stringify({ auths: { 'ghcr.io': { auth: 'dTpw' } } }, undefined, '\t'),
    })
    expect(refused).toEqual(['a.yaml:3: Secret db in plain text: stringData.password', 'b.json:1: a Docker configuration with credentials'])
  })
  it('lets Secrets through on request, keys never', async () => {
    expect(await judge({ 'a.yaml': secret }, true)).toMatchObject({ verdict: 'warn', refused: [] })
    expect((await judge({ 'k.txt': `AGE-SECRET-KEY-1${'Q'.repeat(30)}\n` }, true)).refused).toEqual(['k.txt:1: an age key'])
  })
  it('finds a key in a file that is too large to be read as YAML', async () => {
    const key = `-----BEGIN PRIVATE KEY-----\n${'A'.repeat(64)}\n`
    const large = 'a: b # ü\n'.repeat(600_000)
    expect((await judge({ 'a.yaml': `${large}${key}` })).refused).toEqual(['a.yaml:600001: a private key'])
    expect((await judge({ 'a.yaml': large })).verdict).toBe('ok')
  })
  it('is not fooled by an escape', async () => {
    expect((await judge({ 'a.json': '{"apiVersion":"v1","kind":"\\u0053ecret","stringData":{"a":"hunter22"}}' })).verdict).toBe('refuse')
  })
  it.each([
    ['utf-16le', [0xff, 0xfe]],
    ['utf-16be', [0xfe, 0xff]],
  ])('reads what PowerShell writes: %s', async (encoding, mark) => {
    const wide = Buffer.from(`${secret}# AGE-SECRET-KEY-1${'Q'.repeat(30)}\n`, 'utf16le')
    const bytes = Buffer.concat([Buffer.from(mark), encoding === 'utf-16be' ? wide.swap16() : wide])
    const facts = await readFacts([{ path: 'a.yaml', bytes, executable: false }], undefined)
    expect(judgeContents(facts, false).refused).toEqual(['a.yaml:7: an age key', 'a.yaml:1: Secret db in plain text: stringData.password'])
  })

  const bomb = Array.from({ length: 9 }, (_it, index) => `a${index + 1}: &a${index + 1} [${Array(9).fill(`*a${index}`).join(',')}]\n`)
  const deep = Array.from({ length: 2500 }, (_it, depth) => `${' '.repeat(depth)}x:\n`).join('')
  it.each([
    ['after one that is no YAML', `a: b: c\n---\n${secret}`, 'a.yaml:3: Secret db in plain text: stringData.password'],
    ['that is no YAML itself', `${secret}a: b: c\n`, 'a.yaml:1: Secret db in plain text: stringData.password'],
    ['in what is never closed', `x: [\n---\n${secret}`, 'a.yaml:3: Secret db in plain text: stringData.password'],
    [
      'beside an alias bomb',
      `${secret}a0: &a0 [x,x,x,x,x,x,x,x,x]\n${bomb.join('')}`,
      'a.yaml:2: Secret in a manifest that cannot be read',
    ],
    ['after what is nested too deeply', `${deep}---\n${secret}`, 'a.yaml:2503: Secret in a manifest that cannot be read'],
    ['after five megabytes', `# ${'x'.repeat(6e6)}\n${secret}`, 'a.yaml:3: Secret in a manifest that is too large to be read'],
  ])('finds a Secret %s', async (_where, text, line) => {
    expect((await judge({ 'a.yaml': text })).refused).toEqual([line])
    expect((await judge({ 'a.yaml': text }, true)).refused).toEqual([])
    expect((await judge({ 'a.yaml': text.replace('hunter22', 'ENC[AES256_GCM,x]') })).refused).toEqual([])
  })

  it('finds a kubeconfig in a file of any name', async () => {
    expect((await judge({ 'admin.conf': 'apiVersion: v1\nkind: Config\nusers:\n- name: a\n  user:\n    token: abc\n' })).refused).toEqual([
      'admin.conf:1: a kubeconfig with credentials',
    ])
  })
  it('leaves chart templates alone and warns of other files that are no YAML', async () => {
    expect(await judge({ 'c/Chart.yaml': 'name: c\n', 'c/templates/a.yaml': '{{- if .x }}\na: b\n  c: {{ .y }}\n' })).toMatchObject({
      verdict: 'ok',
    })
    expect((await judge({ 'x/a.yaml': 'a: b\n c: d\n' })).warned[0]).toMatch(/^x\/a\.yaml:\d: /)
  })
})

const plant = (files: Record<string, string>): string => {
  const folder = tempFolder()
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, 'k8s', path)), { recursive: true })
    writeFileSync(join(folder, 'k8s', path), text)
  }
  return folder
}

const configMap = (name: string): string => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n`

describe('checkArtifact', () => {
  const check = async (files: Record<string, string> | string, options: Partial<CheckOptions> = {}, exec = fakeExec()) => {
    const project = typeof files === 'string' ? files : plant(files)
    const ctx = fakeContext({ exec })
    const artifact = await buildArtifact({ source: join(project, 'k8s'), project }, ctx)
    return { ...(await checkArtifact(artifact, { start: './', ...options }, ctx)), texts: ctx.texts(), project }
  }
  const names = ({ objects }: { objects: readonly { kind: string; namespace: string; name: string }[] }): string[] =>
    objects.map(({ kind, namespace, name }) => `${kind} ${namespace}/${name}`)

  it('reads a plain tree without a process', async () => {
    const built = await check({
      'kustomization.yaml': 'namespace: prod\nresources:\n- a.yaml\n- sub\n',
      'a.yaml': `${configMap('a')}---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: n\n`,
      'sub/kustomization.yaml': 'namespace: inner\nresources: [b.yaml]\n',
      'sub/b.yaml': configMap('b'),
      'other.yaml': configMap('x'),
    })
    expect(names(built)).toEqual(['ConfigMap prod/a', 'Namespace /prod', 'ConfigMap prod/b'])
  })

  it.each<[string, Record<string, string>, string]>([
    [
      'a missing file',
      { 'kustomization.yaml': 'resources:\n- a.yaml\n- gone.yaml\n', 'a.yaml': configMap('a') },
      'kustomization.yaml:3: gone.yaml does not exist',
    ],
    [
      'a file that an ignore rule leaves out',
      { '.sourceignore': 'b.yaml\n', 'kustomization.yaml': 'resources: [b.yaml]\n', 'b.yaml': configMap('b') },
      'kustomization.yaml:1: b.yaml is left out of the artifact by an ignore rule',
    ],
    [
      'a file outside',
      { 'kustomization.yaml': 'resources: [../x.yaml]\n' },
      'kustomization.yaml:1: ../x.yaml is outside of what is pushed',
    ],
    ['YAML that does not parse', { 'kustomization.yaml': 'resources: [a.yaml]\n', 'a.yaml': 'a: b\n  c: d\n' }, 'a.yaml:2: '],
    ['a key that is there twice', { 'kustomization.yaml': 'resources: [a.yaml]\n', 'a.yaml': 'kind: A\nkind: B\n' }, 'a.yaml:2: '],
    [
      'a document that is no object',
      { 'kustomization.yaml': 'resources: [a.yaml]\n', 'a.yaml': `${configMap('a')}---\nkind: ConfigMap\napiVersion: v1\n` },
      'a.yaml:6: not a Kubernetes object: it has no metadata.name',
    ],
    [
      'an object that is there twice',
      { 'kustomization.yaml': 'resources: [a.yaml, b.yaml]\n', 'a.yaml': configMap('a'), 'b.yaml': configMap('a') },
      'kustomization.yaml: ConfigMap a is there twice',
    ],
    [
      'a folder without kustomization.yaml',
      { 'kustomization.yaml': 'resources: [sub]\n', 'sub/a.yaml': configMap('a') },
      'kustomization.yaml:1: sub has no kustomization.yaml',
    ],
    [
      'a circle',
      { 'kustomization.yaml': 'resources: [sub]\n', 'sub/kustomization.yaml': 'resources: [..]\n' },
      'sub/kustomization.yaml:1: .. leads back to where it is read from',
    ],
    [
      'a kustomization with comments only',
      { 'kustomization.yaml': '# resources:\n' },
      'kustomization.yaml:1: is empty: write "resources: []"',
    ],
    [
      'a missing patch',
      { 'kustomization.yaml': 'resources: [a.yaml]\npatches:\n- path: p.yaml\n', 'a.yaml': configMap('a') },
      'kustomization.yaml:3: p.yaml does not exist',
    ],
  ])('refuses %s, with file and line', async (_name, files, line) => {
    await expect(check(files)).rejects.toMatchObject({
      code: 'refused',
      exitCode: 3,
      details: expect.arrayContaining([expect.stringContaining(line)]),
    })
  })

  it('lists every problem, and only warns when it is not to validate', async () => {
    const files = { 'kustomization.yaml': 'resources: [x.yaml, y.yaml]\n' }
    await expect(check(files)).rejects.toMatchObject({ details: [expect.stringContaining('x.yaml'), expect.stringContaining('y.yaml')] })
    expect((await check(files, { validate: false })).texts).toEqual([expect.stringContaining('x.yaml'), expect.stringContaining('y.yaml')])
  })

  it('says which manifests nothing applies, and takes no other file for one', async () => {
    const files = {
      'kustomization.yaml': 'resources: [a.yaml, sub]\n',
      'a.yaml': configMap('a'),
      'b.yaml': configMap('b'),
      'sub/kustomization.yaml': 'resources: []\nconfigMapGenerator: [{name: g, files: [conf.yaml]}]\n',
      'sub/conf.yaml': configMap('inner'),
      'sub/deep/c.yaml': configMap('c'),
      // an example, a base of another cluster, values of a chart
      'example/kustomization.yaml': 'resources: [e.yaml]\n',
      'example/e.yaml': configMap('e'),
      'prod/kustomization.yaml': 'resources: [../shared.yaml]\n',
      'shared.yaml': configMap('s'),
      'values.yaml': 'replicas: 1\n',
    }
    const exec = fakeExec({ 'kubectl kustomize *': configMap('a') })
    const said = (await check(files, {}, exec)).texts.filter((text) => text.includes('not applied'))
    expect(said).toEqual(['b.yaml', 'sub/deep/c.yaml'].map((path) => `${path} is pushed, but not applied: no kustomization names it`))
    const configuration = (group: string) => `apiVersion: ${group}/v1\nkind: Cluster\nmetadata: {name: a}\n`
    const project = {
      'kustomization.yaml': 'resources: []\n',
      'ksail.yaml': configuration('ksail.io'),
      'kind.yaml': configuration('other.io'),
    }
    expect((await check(project)).texts).toEqual([])
    // Flux itself makes a root of everything in a folder without one
    expect((await check({ 'a.yaml': configMap('a'), 'sub/b.yaml': configMap('b') })).texts).toEqual([])
  })

  it('knows when a file changes that nothing reads', async () => {
    const rest = async (over: Record<string, string> = {}) => {
      const files = { 'kustomization.yaml': 'resources: [a.yaml]\n', 'a.yaml': 'kind: A\n', 'own/b.yaml': 'kind: B\n', ...over }
      const entries = entriesOf(files)
      return (await buildTree({ entries, facts: await readFacts(entries, undefined), start: '', remember: undefined }, fakeContext())).rest
    }
    const before = await rest()
    expect(await rest({ 'a.yaml': 'kind: C\n' })).toBe(before)
    expect(await rest({ 'own/b.yaml': 'kind: C\n' })).not.toBe(before)
    expect(await rest({ 'own/c.yaml': 'kind: C\n' })).not.toBe(before)
  })

  it('starts kustomize where it is needed, on what is packed, and once for the same files', async () => {
    const project = plant({
      'kustomization.yaml': 'resources: [a.yaml]\nnamePrefix: x-\n',
      'a.yaml': configMap('a'),
      'unread.yaml': configMap('u'),
    })
    const exec = fakeExec({ 'kubectl kustomize *': `${configMap('x-a')}---\n${configMap('gen-5bc7gkt24h')}` })
    expect(names(await check(project, {}, exec))).toEqual(['ConfigMap /x-a', 'ConfigMap /gen'])
    writeFileSync(join(project, 'k8s', 'unread.yaml'), configMap('v'))
    expect(names(await check(project, {}, exec))).toEqual(['ConfigMap /x-a', 'ConfigMap /gen'])
    expect(exec.calls).toHaveLength(1)
    writeFileSync(join(project, 'k8s', 'a.yaml'), configMap('b'))
    await check(project, {}, exec)
    expect(exec.calls).toHaveLength(2)
  })

  describe('does not rely on what was checked before', () => {
    const prefixed = { 'kustomization.yaml': 'resources: [a.yaml]\nnamePrefix: x-\n', 'a.yaml': configMap('a') }

    it('when another program builds now', async () => {
      const project = plant(prefixed)
      const program = join(project, 'kubectl')
      writeFileSync(program, 'one')
      const exec = fakeExec({ 'kubectl kustomize *': configMap('x-a') })
      const again = async () => {
        const ctx = fakeContext({ exec, locate: async () => program })
        const artifact = await buildArtifact({ source: join(project, 'k8s'), project }, ctx)
        await checkArtifact(artifact, { start: './' }, ctx)
        return exec.calls.length
      }
      expect([await again(), await again()]).toEqual([1, 1])
      // the same size, and a time of change that was set back
      const { mtime } = statSync(program)
      writeFileSync(program, 'two')
      utimesSync(program, mtime, mtime)
      expect([await again(), await again()]).toEqual([2, 2])
    })

    it('when a file has changed that a plugin of kustomize names', async () => {
      const project = plant({
        'kustomization.yaml': 'resources: [a.yaml]\ntransformers: [t.yaml]\n',
        'a.yaml': configMap('a'),
        't.yaml': 'apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: t}\npath: patch.yaml\n',
        'patch.yaml': configMap('a'),
      })
      const exec = fakeExec({ 'kubectl kustomize *': configMap('a') })
      for (const calls of [1, 1]) {
        await check(project, {}, exec)
        expect(exec.calls).toHaveLength(calls)
      }
      writeFileSync(join(project, 'k8s', 'patch.yaml'), configMap('broken'))
      await check(project, {}, exec)
      expect(exec.calls).toHaveLength(2)
    })

    it('when a setting is stricter now', async () => {
      const secret = 'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: hunter22}\n'
      const project = plant({ 'kustomization.yaml': 'resources: [s.yaml]\n', 's.yaml': secret })
      await check(project, { allowPlaintextSecrets: true })
      await expect(check(project)).rejects.toMatchObject({ exitCode: 3 })
    })

    it('when another version of ksail has read it', async () => {
      const secret = 'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: hunter22}\n'
      const project = plant({ 'kustomization.yaml': 'resources: [s.yaml]\n', 's.yaml': secret })
      await check(project, { allowPlaintextSecrets: true })
      const memory = join(project, '.ksail', 'cache', 'facts.json')
      const known = JSON.parse(readFileSync(memory, 'utf8')) as { version: string; facts: Record<string, object> }
      const facts = Object.fromEntries(Object.entries(known.facts).map(([key, fact]) => [key, { ...fact, findings: [] }]))
      writeFileSync(memory, JSON.stringify({ version: `${known.version}-other`, facts }))
      await expect(check(project)).rejects.toMatchObject({ exitCode: 3 })
    })
  })

  it('reads the default namespace of a new project without kustomize', async () => {
    const root = readFileSync('templates/base/k8s/kustomization.yaml', 'utf8').replace('resources: []', 'resources: [a.yaml, b.yaml]')
    const built = await check({
      'kustomization.yaml': root,
      'a.yaml': configMap('a'),
      'b.yaml': configMap('b').replace('name: b', 'name: b\n  namespace: own'),
    })
    expect(names(built)).toEqual(['ConfigMap default/a', 'ConfigMap own/b'])
  })

  it.each(['labels: [{pairs: {a: y}}]', 'commonAnnotations: {a: 1}', 'images: [{name: a, newTag: 1.5}]', 'namespace: "on"'])(
    'leaves to kustomize what it may read as another type: %s',
    async (line) => {
      const exec = fakeExec({ 'kubectl kustomize *': configMap('a') })
      await check({ 'kustomization.yaml': `resources: [a.yaml]\n${line}\n`, 'a.yaml': configMap('a') }, {}, exec)
      expect(exec.calls).toHaveLength(1)
    },
  )

  it('refuses what kustomize refuses, in its words', async () => {
    const exec = fakeExec({ 'kubectl kustomize *': (args) => ({ exitCode: 1, stderr: `error: no matches for Id in ${args[1]}/p.yaml` }) })
    await expect(
      check({ 'kustomization.yaml': 'resources: []\npatches: [{path: p.yaml}]\n', 'p.yaml': configMap('p') }, {}, exec),
    ).rejects.toMatchObject({ details: ['kustomization.yaml: no matches for Id in p.yaml'] })
  })

  it('follows the Flux Kustomizations that the start folder builds', async () => {
    const flux = (name: string, path: string, prune = true): string =>
      `apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: ${name}, namespace: flux-system}\nspec: {path: ${path}, prune: ${prune}, sourceRef: {kind: OCIRepository, name: flux-system}}\n`
    const built = await check(
      {
        'clusters/dev/apps.yaml': flux('apps', './apps'),
        'clusters/dev/kept.yaml': flux('kept', 'kept', false),
        'apps/a.yaml': configMap('a'),
        'kept/kustomization.yaml': 'resources: [k.yaml]\n',
        'kept/k.yaml': configMap('k'),
      },
      { start: './clusters/dev' },
    )
    expect(names(built).toSorted()).toEqual([
      'ConfigMap /a',
      'ConfigMap /k',
      'Kustomization flux-system/apps',
      'Kustomization flux-system/kept',
    ])
    expect(built.objects.find(({ name }) => name === 'k')?.keep).toBe(true)
  })

  it('refuses a start folder that is not there', async () => {
    await expect(check({ 'a.yaml': configMap('a') }, { start: './clusters/prod' })).rejects.toMatchObject({
      details: ['clusters/prod: the start folder does not exist in the artifact'],
    })
  })

  it('says what it cannot judge', async () => {
    const { texts } = await check({ 'kustomization.yaml': 'resources: ["https://example.com/x.yaml", "github.com/o/r//deploy?ref=v1"]\n' })
    expect(texts).toEqual(['not checked, because it is fetched from elsewhere: https://example.com/x.yaml, github.com/o/r//deploy?ref=v1'])
  })
})
