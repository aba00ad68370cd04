import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { fetchFromImage } from '../../../../lib/tools/install/image.ts'
import { fakeContext, tempFolder } from '../../../fakes/context.ts'
import { fakeExec } from '../../../fakes/exec.ts'

const layer = (name: string, content: string): Buffer => {
  const header = Buffer.alloc(512)
  header.write(name, 0)
  header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124)
  header.write('0', 156)
  header.write('ustar\0', 257)
  return gzipSync(Buffer.concat([header, Buffer.from(content.padEnd(512, '\0')), Buffer.alloc(1024)]))
}

const pin = { image: 'ghcr.io/o/tool', platform: 'linux/amd64', sha256: 'a'.repeat(64), member: 'usr/local/bin/tool' }

it('takes the program out of the layer that has it, by digests alone', async () => {
  const layers: Record<string, Buffer> = { 'sha256:1': layer('usr/local/bin/tool', 'program'), 'sha256:2': layer('etc/passwd', 'x') }
  const exec = fakeExec({
    'oras manifest fetch *': JSON.stringify({ layers: Object.keys(layers).map((digest) => ({ digest, mediaType: 'layer' })) }),
    'oras blob fetch *': (args) => {
      writeFileSync(args[args.indexOf('--output') + 1] as string, layers[(args.at(-1) as string).split('@')[1] as string] as Buffer)
      return ''
    },
  })
  const ctx = fakeContext({ exec })
  expect(readFileSync(await fetchFromImage(ctx, pin, tempFolder(), { text: 'fetching tool' }), 'utf8')).toBe('program')
  expect(exec.commands()[0]?.replace(/ --registry-config \S+nobody\.json/, '')).toBe(
    `oras manifest fetch --platform linux/amd64 ghcr.io/o/tool@sha256:${pin.sha256}`,
  )
})

it('is a miss when the registry does not answer or the image lacks it', async () => {
  const silent = fakeContext({ exec: fakeExec({ 'oras manifest fetch *': { exitCode: 1, stderr: 'dial tcp: i/o timeout' } }) })
  await expect(fetchFromImage(silent, pin, tempFolder(), { text: 'fetching tool' })).rejects.toMatchObject({
    code: 'unreachable',
    message: 'ghcr.io/o/tool: dial tcp: i/o timeout',
  })
  const empty = fakeContext({ exec: fakeExec({ 'oras manifest fetch *': '{}' }) })
  await expect(fetchFromImage(empty, pin, tempFolder(), { text: 'fetching tool' })).rejects.toMatchObject({
    code: 'unreachable',
    message: 'ghcr.io/o/tool has no usr/local/bin/tool',
  })
})

it.each([
  ['what oras says', { exitCode: 1, stderr: 'Error: write layer-0: no space left on device' }],
  ['what the system says', Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' })],
])('is no fault of the registry when the disk is full, as %s', async (_, failure) => {
  const exec = fakeExec({
    'oras manifest fetch *': JSON.stringify({ layers: [{ digest: 'sha256:1' }] }),
    'oras blob fetch *': failure,
  })
  await expect(fetchFromImage(fakeContext({ exec }), pin, tempFolder(), { text: 'fetching tool' })).rejects.toMatchObject({
    code: 'ENOSPC',
    syscall: 'write',
  })
  expect(exec.calls).toHaveLength(2)
})

it('does not take a program that cannot be unpacked for one that is in another layer', async () => {
  const exec = fakeExec({
    'oras manifest fetch *': JSON.stringify({ layers: [{ digest: 'sha256:1' }, { digest: 'sha256:2' }] }),
    'oras blob fetch *': (args) => {
      const file = args[args.indexOf('--output') + 1] as string
      writeFileSync(file, layer('usr/local/bin/tool', 'program'))
      // its place is taken by what is no file
      mkdirSync(join(dirname(file), 'program'), { recursive: true })
      return ''
    },
  })
  await expect(fetchFromImage(fakeContext({ exec }), pin, tempFolder(), { text: 'fetching tool' })).rejects.toMatchObject({
    code: 'EISDIR',
  })
})

it('asks a mirror for the whole name, with the logins of the user', async () => {
  const exec = fakeExec({ 'oras manifest fetch *': '{}' })
  const ctx = fakeContext({ exec, env: { KSAIL_IMAGE_MIRROR: 'registry.example.com:5000/x' } })
  await expect(fetchFromImage(ctx, pin, tempFolder(), { text: 'fetching tool' })).rejects.toThrow('x/ghcr.io/o/tool has no usr')
  expect(exec.commands()).toEqual([
    `oras manifest fetch --platform linux/amd64 registry.example.com:5000/x/ghcr.io/o/tool@sha256:${pin.sha256}`,
  ])
})

it.each(['http://registry.example.com', 'me:secret-word@registry.example.com', 'registry.example.com/UPPER', '/x'])(
  'refuses the mirror %s, and repeats nothing of it',
  async (mirror) => {
    const ctx = fakeContext({ env: { KSAIL_IMAGE_MIRROR: mirror } })
    await expect(fetchFromImage(ctx, pin, tempFolder(), { text: 'fetching tool' })).rejects.toMatchObject({
      code: 'config',
      message: 'KSAIL_IMAGE_MIRROR is not a registry',
    })
  },
)
