import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { buildArtifact } from '../../../lib/artifact/build.ts'
import { manifestOf, digestOf, readLayer } from '../../../lib/artifact/layout.ts'
import { pack, unpack } from '../../../lib/artifact/pack.ts'
import { tar } from '../../../lib/artifact/tar.ts'
import { fakeContext, tempFolder } from '../../fakes/context.ts'
import { sample as project } from '../../topics/artifact.ts'

const build = (folder: string, over = {}) => buildArtifact({ source: join(folder, 'k8s'), project: folder, ...over }, fakeContext())

describe('buildArtifact', () => {
  it('has a digest that never changes', async () => {
    expect((await build(project())).digest).toBe('sha256:1d5e8221bc2d8430d12175d638b814fd21e16046d3c2f0da8c85f026f677e1b5')
  })

  it('writes a layout that names its manifest, and reads its layer back', async () => {
    const folder = project()
    const built = await build(folder)
    expect(JSON.parse(readFileSync(join(built.folder, 'index.json'), 'utf8')).manifests).toEqual([
      { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: built.digest, size: built.manifest.length },
    ])
    const layer = await readLayer(built.folder, built.digest)
    expect(unpack(layer ?? new Uint8Array()).map(({ path }) => path)).toEqual(['a.yaml', 'app.properties', 'sub/c.yaml'])
    expect(readFileSync(join(folder, '.ksail', '.gitignore'), 'utf8')).toBe('*\n')
  })

  it('keeps the last ten, whole, also when several write at once', async () => {
    const folder = project()
    for (let i = 0; i < 12; i++) {
      writeFileSync(join(folder, 'k8s', 'a.yaml'), `a: ${i}\n`)
      await Promise.all([build(folder), build(folder), build(folder)])
    }
    const layouts = () => readdirSync(join(folder, '.ksail', 'artifacts')).filter((name) => /^[0-9a-f]{64}$/.test(name))
    // each may be on its way to a registry at this moment
    expect(layouts()).toHaveLength(12)
    for (const [index, name] of layouts().entries()) utimesSync(join(folder, '.ksail', 'artifacts', name), 1000 + index, 1000 + index)
    writeFileSync(join(folder, 'k8s', 'a.yaml'), 'a: last\n')
    await build(folder)
    const names = layouts()
    expect(names).toHaveLength(10)
    for (const name of names) expect(existsSync(join(folder, '.ksail', 'artifacts', name, 'blobs', 'sha256', name))).toBe(true)
    const { digest } = await build(folder)
    expect(names).toContain(digest.slice(7))
  })

  it('packs the same tree once, and again when what it made is damaged', async () => {
    const folder = project()
    const first = await build(folder)
    const written = statSync(join(first.folder, 'index.json')).mtimeMs
    const again = await build(folder)
    expect(again).toEqual(first)
    expect(statSync(join(first.folder, 'index.json')).mtimeMs).toBe(written)
    rmSync(join(first.folder, 'blobs', 'sha256', first.digest.slice(7)))
    expect((await build(folder)).digest).toBe(first.digest)
    expect(existsSync(join(first.folder, 'blobs', 'sha256', first.digest.slice(7)))).toBe(true)
  })

  it('makes a damaged layout good', async () => {
    const folder = project()
    const { folder: layout, digest } = await build(folder)
    rmSync(join(layout, 'blobs'), { recursive: true })
    await build(folder)
    expect(await readLayer(layout, digest)).toBeDefined()
  })

  it('refuses a layer whose bytes are not what its digest says', async () => {
    const folder = project()
    const { folder: layout, digest, manifest } = await build(folder)
    const layer = (JSON.parse(Buffer.from(manifest).toString()) as { layers: { digest: string }[] }).layers[0]?.digest ?? ''
    writeFileSync(join(layout, 'blobs', 'sha256', layer.slice(7)), 'x')
    await expect(readLayer(layout, digest)).rejects.toThrow('the layer is not')
  })

  it.each([
    ['is a file', (at: string) => writeFileSync(at, ''), /\/\.ksail is no folder: /],
    ['is a link that leads nowhere', (at: string) => symlinkSync('/nowhere/at/all', at), /\/\.ksail is a link that leads nowhere: /],
    ['is a link to a file', (at: string) => symlinkSync('k8s/a.yaml', at), /\/\.ksail is a link to what is no folder: /],
    [
      'holds a file in the place of the layouts',
      (at: string) => (mkdirSync(at), writeFileSync(join(at, 'artifacts'), '')),
      /\/\.ksail\/artifacts is no folder: /,
    ],
  ])('says what is in the way when .ksail %s', async (_what, make, message) => {
    const folder = project()
    make(join(folder, '.ksail'))
    await expect(build(folder)).rejects.toMatchObject({ exitCode: 2, message: expect.stringMatching(message), hint: expect.any(String) })
  })

  it('packs a root that builds nothing when the folder is missing and that is allowed', async () => {
    const folder = tempFolder()
    await expect(build(folder)).rejects.toThrow('does not exist')
    const { entries } = await build(folder, { whenMissing: './clusters/dev' })
    expect(entries.map(({ path }) => path)).toEqual(['clusters/dev/kustomization.yaml'])
  })
})

describe('tar', () => {
  const names = ['a', 'd/'.repeat(70) + 'f', `${'x'.repeat(120)}/${'y'.repeat(90)}`, 'z'.repeat(180), `ü/${'ö'.repeat(150)}`].toSorted()
  const entries = names.map((path, index) => ({ path, bytes: Buffer.from('x'.repeat(index * 300)), executable: index % 2 === 1 }))

  it('is read back with every kind of name', () => {
    expect(
      unpack(pack(tar(entries).archive)).map(({ path, bytes, executable }) => ({ path, bytes: Buffer.from(bytes), executable })),
    ).toEqual(entries)
  })

  it('is what tar reads', () => {
    const folder = tempFolder()
    writeFileSync(join(folder, 'x.tar'), tar(entries).archive)
    const listed = execFileSync('tar', ['-tf', join(folder, 'x.tar')], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C.UTF-8' } })
      .split('\n')
      .filter((line) => line !== '' && !line.endsWith('/'))
    expect(listed).toEqual(names)
  })

  it('gives the files as parts of the archive, whatever their names and sizes', () => {
    const { archive, files } = tar(entries)
    expect(files.map(({ path, executable }) => ({ path, executable }))).toEqual(
      entries.map(({ path, executable }) => ({ path, executable })),
    )
    for (const [index, { bytes }] of files.entries()) {
      expect(Buffer.compare(bytes, entries[index]!.bytes)).toBe(0)
      expect(bytes.buffer).toBe(archive.buffer)
    }
  })

  it('names no operating system, no time and no file in gzip', () => {
    expect([...pack(tar(entries).archive).subarray(0, 10)]).toEqual([31, 139, 8, 0, 0, 0, 0, 0, 0, 255])
  })

  it('gives a manifest without white space in a fixed order', () => {
    const layer = Buffer.from('x')
    expect(Buffer.from(manifestOf(layer)).toString()).toBe(
      `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.cncf.flux.config.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[{"mediaType":"application/vnd.cncf.flux.content.v1.tar+gzip","digest":"${digestOf(layer)}","size":1}],"annotations":{"org.opencontainers.image.created":"1970-01-01T00:00:00Z"}}`,
    )
  })
})
