import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Pin, Pins } from '../../lib/tools/install/pins.ts'
import { startRegistry } from '../fakes/registry.ts'
import { programPath } from './bed.ts'

const PLATFORM = `${process.platform}-${process.arch}`
const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const originals = JSON.parse(readFileSync(join(ROOT, 'lib/tools/install/pins.json'), 'utf8')) as Pins

const digestOf = (content: Buffer, algorithm = 'sha256'): string => createHash(algorithm).update(content).digest('hex')

/** A packed tar of real programs under the names that their releases give them. */
const packed = (folder: string, programs: Readonly<Record<string, string>>): string => {
  mkdirSync(folder, { recursive: true })
  for (const [member, program] of Object.entries(programs)) {
    mkdirSync(dirname(join(folder, 'tree', member)), { recursive: true })
    symlinkSync(programPath(program), join(folder, 'tree', member))
  }
  const archive = join(folder, 'archive.tar.gz')
  const words = ['-chf', archive, '--use-compress-program=gzip -1', '-C', join(folder, 'tree'), ...Object.keys(programs)]
  const { status, stderr } = spawnSync('tar', words, { encoding: 'utf8' })
  // 1: something about a file changed while it was read, as when another test links to the program
  if (status !== 0 && status !== 1) throw new Error(`tar: ${stderr}`)
  return archive
}

/** An image layout with an index of one platform, as the published images have it: the program in the layer before the last. */
export const imageLayout = (folder: string, member: string, program: string, platform: string): string => {
  const [os, architecture] = platform.split('/')
  const blobs = join(folder, 'blobs', 'sha256')
  mkdirSync(blobs, { recursive: true })
  const blob = (content: Buffer, mediaType: string) => {
    const digest = digestOf(content)
    writeFileSync(join(blobs, digest), content)
    return { mediaType, digest: `sha256:${digest}`, size: content.length }
  }
  const json = (content: object, mediaType: string) => blob(Buffer.from(JSON.stringify(content)), mediaType)
  const layers = [packed(join(folder, 'program'), { [member]: program }), packed(join(folder, 'etc'), { 'etc/oras': 'oras' })].map((path) =>
    blob(readFileSync(path), 'application/vnd.oci.image.layer.v1.tar+gzip'),
  )
  const manifest = json(
    {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: json({ os, architecture, rootfs: { type: 'layers', diff_ids: [] } }, 'application/vnd.oci.image.config.v1+json'),
      layers,
    },
    'application/vnd.oci.image.manifest.v1+json',
  )
  const index = json(
    {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: [{ ...manifest, platform: { os, architecture } }],
    },
    'application/vnd.oci.image.index.v1+json',
  )
  writeFileSync(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  writeFileSync(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [index] }))
  return index.digest.replace('sha256:', '')
}

export interface ReleaseSite {
  /** `host:port` of everything: releases by the path of their URL, images of the registry. */
  readonly host: string
  /** Requests for releases, with their ranges. */
  readonly asked: string[]
  /** The pins of the package with the hashes of what is here, and places below `base`. */
  pins(base: string, images: string): Pins
  /** The next answer for a path breaks off in its middle. */
  breakOnce(path: string): void
  close(): Promise<void>
}

/** Release sites and registries that hold the real programs of this machine, as the pins of the package name them. */
export const releaseSite = async (folder: string, tools: readonly string[]): Promise<ReleaseSite> => {
  const pinOf = (tool: string): Pin => originals[tool]?.platforms[PLATFORM] as Pin
  const registry = await startRegistry(programPath('registry'), join(folder, 'registry'))
  const files = new Map<string, string>()
  const images = new Map<string, string>()
  const repositoryOf = ({ image = '' }: Pin): string => image.slice(image.indexOf('/') + 1)
  for (const tool of tools) {
    const { url, image, member, platform = '' } = pinOf(tool)
    const place = join(folder, tool)
    if (image !== undefined) {
      const digest = imageLayout(place, member as string, tool, platform)
      images.set(image, digest)
      const to = `${registry.host}/${repositoryOf({ image })}:v1`
      execFileSync(programPath('oras'), ['cp', '--no-tty', '--from-oci-layout', `${place}@sha256:${digest}`, to, '--to-plain-http'], {
        stdio: 'pipe',
      })
    } else if (!files.has(url as string)) {
      const inside = tools.filter((other) => pinOf(other).url === url).map((other) => [pinOf(other).member, other])
      files.set(url as string, member === undefined ? programPath(tool) : packed(place, Object.fromEntries(inside)))
    }
  }

  const byPath = new Map([...files].map(([url, file]) => [new URL(url).pathname, file]))
  const asked: string[] = []
  const broken = new Set<string>()
  const answer = (incoming: IncomingMessage, response: ServerResponse): void => {
    const { url = '', method = 'GET', headers } = incoming
    if (url.startsWith('/v2/')) {
      const [host, port] = registry.host.split(':')
      const onward = request({ host, port, method, path: url, headers }, (from) => {
        response.writeHead(from.statusCode ?? 502, from.headers)
        from.pipe(response)
      })
      onward.once('error', () => response.destroy())
      return void incoming.pipe(onward)
    }
    const file = byPath.get(url)
    asked.push(`${url} ${headers.range ?? ''}`.trim())
    if (file === undefined) return void response.writeHead(404).end()
    const { size } = statSync(file)
    const start = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0)
    // asked by who has everything, and whose connection ended before it knew
    if (start >= size) return void response.writeHead(416, { 'content-range': `bytes */${size}` }).end()
    const end = broken.delete(url) ? Math.floor(size / 2) : size
    response.writeHead(start > 0 ? 206 : 200, {
      etag: '"1"',
      'content-length': size - start,
      ...(start > 0 ? { 'content-range': `bytes ${start}-${size - 1}/${size}` } : {}),
    })
    const content = createReadStream(file, { start, end: end - 1 })
    content.pipe(response, { end: end === size })
    if (end < size) content.once('end', () => setTimeout(() => response.destroy(), 100))
  }
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  const hashes = new Map([...files].map(([url, file]) => [url, readFileSync(file)]))
  const rewritten = (pin: Pin, base: string, registries: string): Pin => {
    if (pin.image !== undefined) return { ...pin, image: `${registries}/${repositoryOf(pin)}`, sha256: images.get(pin.image) as string }
    const { sha256, sha512: _, ...rest } = pin
    const content = hashes.get(pin.url as string) as Buffer
    const hash = sha256 === undefined ? { sha512: digestOf(content, 'sha512') } : { sha256: digestOf(content) }
    return { ...rest, ...hash, url: `${base}${new URL(pin.url as string).pathname}` }
  }
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    pins: (base, registries) =>
      Object.fromEntries(
        tools.map((tool) => [
          tool,
          { version: originals[tool]?.version as string, platforms: { [PLATFORM]: rewritten(pinOf(tool), base, registries) } },
        ]),
      ),
    breakOnce: (path) => void broken.add(path),
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await registry.stop()
    },
  }
}

/** What stands in the pins of the package, and what is to stand there. */
const replacements = (pins: Pins): ReadonlyMap<string, string> =>
  new Map(
    Object.entries(pins).flatMap(([tool, { platforms }]) =>
      (['url', 'image', 'sha256', 'sha512'] as const).flatMap((key): [string, string][] => {
        const [before, after] = [originals[tool], { platforms }].map((row) => row?.platforms[PLATFORM]?.[key])
        return before === undefined || after === undefined ? [] : [[before, after]]
      }),
    ),
  )

/** The package as it is published, in a folder of its own, with other pins. */
export const installedCopy = (folder: string, pins: Pins): string => {
  const [{ filename }] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], { cwd: ROOT, encoding: 'utf8' }),
  ) as [{ filename: string }]
  execFileSync('tar', ['-xzf', join(folder, filename), '-C', folder])
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  const chunks = join(folder, 'package/dist/chunks')
  const holding = readdirSync(chunks).filter((name) =>
    readFileSync(join(chunks, name), 'utf8').includes(originals['etcd']?.platforms[PLATFORM]?.url ?? ''),
  )
  if (holding.length !== 1) throw new Error(`the pins are in ${holding.length} files of the package: ${holding.join(', ')}`)
  const path = join(chunks, holding[0] as string)
  let text = readFileSync(path, 'utf8')
  for (const [before, after] of replacements(pins)) {
    if (!text.includes(`"${before}"`)) throw new Error(`${before} is not among the pins of the package: run npm run build first`)
    text = text.replaceAll(`"${before}"`, `"${after}"`)
  }
  writeFileSync(path, text)
  return join(folder, 'package/dist/bin/ksail.js')
}
