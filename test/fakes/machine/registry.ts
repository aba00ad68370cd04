import type { IncomingMessage, ServerResponse } from 'node:http'
import { recorded } from './recorded.ts'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'

/** What a registry keeps in its volume, and how it reads it out. */
export interface Registry {
  put(repository: string, digest: string, manifest: Buffer, tags: readonly string[]): void
  /** The digest that a tag names. */
  head(repository: string, tag: string): string | undefined
  has(digest: string): boolean
  answer(request: IncomingMessage, response: ServerResponse): void
}

export const createRegistry = (): Registry => {
  const manifests = new Map<string, Buffer>()
  const tags = new Map<string, string>()
  return {
    put: (repository, digest, manifest, names) => {
      manifests.set(digest, manifest)
      for (const tag of names) tags.set(`${repository}:${tag}`, digest)
    },
    head: (repository, tag) => tags.get(`${repository}:${tag}`),
    has: (digest) => manifests.has(digest),
    answer: ({ url = '' }, response) => {
      const [, repository = '', reference = ''] = /^\/v2\/(.+)\/manifests\/(.+)$/.exec(url) ?? []
      const digest = tags.get(`${repository}:${reference}`) ?? reference
      const manifest = manifests.get(digest)
      response.setHeader('docker-distribution-api-version', 'registry/2.0')
      response.setHeader('content-type', manifest === undefined ? 'application/json' : MANIFEST)
      if (url === '/v2/') response.end(recorded('registry/v2.txt').trim())
      else if (manifest !== undefined) response.setHeader('docker-content-digest', digest).end(manifest)
      else response.writeHead(404).end(recorded('registry/manifest-unknown.txt', { tag: reference }).trim())
    },
  }
}
