import { stripVTControlCharacters } from 'node:util'

export interface Failure {
  readonly tool: string
  readonly exitCode: number | null
  readonly stderr: string
  /** The registry's host, which oras and docker leave out of their messages. */
  readonly registry?: string | undefined
  /** Ended by our own timer. */
  readonly timedOut?: boolean | undefined
}

/** The text of a failure, made ready to be matched. */
export interface Prepared extends Failure {
  readonly text: string
  /** Without URLs, digests, references and addresses: a repository named `app-503` must not match. */
  readonly bare: string
  readonly phase: 'token' | 'ping' | 'blob' | 'manifest' | undefined
}

const htmlCut = (text: string): string => {
  const title = /<title>([^<]*)<\/title>/i.exec(text)?.[1]
  const at = text.search(/<html|<!doctype/i)
  return at === -1 ? text : `${text.slice(0, at)}${title ?? ''}`
}

const URL = /\b(?:https?|oci|docker|unix|tcp):\/\/[^\s"'`,)]+/gi

const phaseOf = (text: string): Prepared['phase'] => {
  const urls = [...text.matchAll(/\b(?:https?:\/\/)[^\s"'`]+|"\/v2\/"/gi)].map(([url]) => url.replace(/:$/, ''))
  const last = urls.at(-1) ?? ''
  // a repository may be called "manifests" or "token": what counts is what stands behind the name
  if (/\/token(\?|$)|\/service\/token|auth\.docker\.io/i.test(last) || /oauth token|anonymous token/i.test(text)) return 'token'
  if (/\/v2\/?"?$/i.test(last)) return 'ping'
  if (/\/manifests\/[^/]+$/i.test(last)) return 'manifest'
  if (/\/blobs\//i.test(last)) return 'blob'
  return undefined
}

/** Strips what a message is wrapped in; `bare` is what words and status numbers are looked for in. */
export const prepare = (failure: Failure): Prepared => {
  let text = stripVTControlCharacters(failure.stderr.slice(-65_536)).replaceAll('\r\n', '\n')
  text = htmlCut(text)
    .split('\n')
    .filter((line) => !/memcache\.go:\d+/.test(line))
    .join('\n')
    .replaceAll(/\n\s*\|\s*/g, ' ')
    .trim()
  const plain = /http: server gave HTTP response to HTTPS client; ([^]+)/.exec(text)?.[1]
  if (plain !== undefined && !/x509:/.test(text.slice(0, text.indexOf(plain)))) text = plain
  const bare = text
    .replaceAll(URL, ' ')
    .replaceAll(/sha256:[0-9a-f]+/gi, ' ')
    .replaceAll(/"\/v2\/[^"]*"/g, ' ')
    .replaceAll(/\b[\w.-]+(?::\d+)?(?:\/[\w.-]+)+(?::[\w.-]+)?(?:@\S+)?/g, (path) =>
      /^[a-z]+\/[\d.]+$|^net\/http$|^i\/o$/i.test(path) ? path : ' ',
    )
    .replaceAll(/\b(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?/g, ' ')
    .replaceAll(/\blocalhost:\d+/g, ' ')
  return { ...failure, text, bare, phase: phaseOf(text) }
}
