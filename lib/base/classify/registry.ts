import type { Rule } from './rule.ts'

const unauthorized =
  /unauthorized|authentication required|unauthenticated|no basic auth credentials|basic credential not found|incorrect username or password|not authorized|HTTP Basic: Access denied|may require 'docker login'|(?<![\w.-])401(?![\w.-])/i
const forbidden = /denied|forbidden|(?<![\w.-])403(?![\w.-])/i

/** A status number that stands alone. */
const status = (numbers: string): RegExp => new RegExp(`(?<![\\w.-])(?:${numbers})(?![\\w-]|\\.\\d)`)
const isGhcr = (host: string | undefined, text: string): boolean =>
  host === undefined ? /\bghcr\.io\b/i.test(text) : host.toLowerCase() === 'ghcr.io'

/** What registries say, whichever tool relays it: rules 15 to 40 of the classification, first match wins. */
export const registryRules: readonly Rule[] = [
  { bare: /pull rate limit/i, class: 'transient', hint: 'docker login' },
  { bare: /too many failed login attempts/i, class: 'auth', hint: 'docker login' },
  { bare: /secondary rate limit/i, class: 'transient', retry: true, hint: 'rate limit', kind: 'secondary' },
  {
    bare: /toomanyrequests|too many requests|rate exceeded|rate limit exceeded|retry-after:\s*\d/i,
    class: 'transient',
    retry: true,
    hint: 'rate limit',
    kind: 'rate',
  },
  { bare: status('429'), class: 'transient', retry: true, hint: 'rate limit', kind: 'rate' },
  { bare: /immutab|already exists|precondition failed/i, class: 'permanent', hint: 'immutable' },
  { bare: /\bquota\b|exceed the configured upper limit|PROJECTPOLICYVIOLATION/i, class: 'permanent', hint: 'quota' },
  { bare: status('402'), class: 'permanent', hint: 'quota' },
  { bare: /operation is disallowed/i, class: 'permanent', hint: 'locked' },
  { bare: /is not allowed access\. Refer/i, class: 'environment', hint: 'firewall' },
  {
    bare: /could not parse reference|invalid reference|NAME_INVALID|name invalid|invalid repository name/i,
    class: 'config',
    hint: 'lowercase',
  },
  { bare: /manifest too large/i, class: 'permanent', hint: 'too large' },
  { bare: status('413'), class: 'permanent', hint: 'too large' },
  {
    bare: /blob[ _]unknown|unknown[ _]blob|upload[ _]unknown|upload[ _]invalid|digest[ _]invalid|size[ _]invalid|did not match (?:content length|uploaded content)|manifest[ _]unknown|"Tag" on destination/i,
    class: 'transient',
    retry: true,
    hint: 'try again',
  },
  { bare: status('416'), class: 'transient', retry: true, hint: 'try again' },
  { bare: /MANIFEST_INVALID|manifest invalid|mediaType|unsupported media type/i, class: 'permanent', hint: 'does not support' },
  { bare: /unsupported|method not allowed/i, class: 'permanent', hint: 'does not support' },
  { bare: status('405'), class: 'permanent', hint: 'does not support' },
  {
    bare: /NAME_UNKNOWN|name unknown|repository name not known|does not exist in the registry|project \S+ not found/i,
    class: 'permanent',
    hint: 'create the repository',
  },
  { bare: /has expired/i, class: 'auth', hint: 'expired' },
  { bare: /write_package/i, class: 'auth', hint: 'Manage Actions access' },
  { bare: /expected scopes/i, class: 'auth', hint: 'write:packages' },
  {
    bare: /installation not allowed|not accessible by integration|requested installation does not exist/i,
    class: 'auth',
    hint: 'packages: write',
  },
  { text: /permission_denied|not authorized to perform|Permission "|higher privileges/i, class: 'auth', hint: 'permission' },
  { bare: /invalid scope/i, class: 'permanent', hint: 'docker login' },
  { bare: status('408|499|500|502|503|504|52\\d'), class: 'transient', retry: true, hint: 'try again' },
  {
    bare: /internal server error|bad gateway|service (?:temporarily )?unavailable|gateway time-?out|request timeout|UNAVAILABLE|UNKNOWN: unknown error|^\s*(?:✗ |error: |error response from (?:registry|daemon): )?unknown:?\s*$/im,
    class: 'transient',
    retry: true,
    hint: 'try again',
  },
  { text: /network is unreachable|no route to host/i, class: 'environment', retry: true, hint: 'network' },
  {
    text: /no such host|: lookup \S+ on \S+: |server misbehaving|temporary failure in name resolution|EAI_AGAIN|ENOTFOUND/i,
    class: 'transient',
    retry: true,
    hint: 'DNS',
  },
  { text: /connection refused|ECONNREFUSED/i, class: 'transient', retry: true, hint: 'is the registry running' },
  {
    text: /connection reset|ECONNRESET|broken pipe|EPIPE|\bEOF\b|use of closed (?:network )?connection|closed connection|GOAWAY/i,
    class: 'transient',
    retry: true,
    hint: 'network',
  },
  {
    text: /i\/o timeout|TLS handshake timeout|deadline ?exceeded|Client\.Timeout|ETIMEDOUT/i,
    class: 'transient',
    retry: true,
    hint: 'timed out',
  },
  {
    text: /stopped after \d+ redirects|no token in|empty token|did not include a token/i,
    class: 'transient',
    retry: true,
    hint: 'try again',
  },
  { text: /invalid character '<'/i, class: 'transient', retry: true, hint: 'proxy' },
  {
    bare: /login attempt to .* failed/i,
    class: 'auth',
    hint: 'permission',
    when: ({ tool, bare }) => tool === 'docker' && !unauthorized.test(bare),
  },
  {
    bare: forbidden,
    class: 'auth',
    retry: true,
    hint: 'docker login',
    when: ({ bare, phase }) => (phase === 'token' || phase === 'ping') && !unauthorized.test(bare),
  },
  {
    bare: unauthorized,
    class: 'auth',
    retry: true,
    hint: 'docker login',
    kind: 'expiry',
    when: ({ text }) => /\b(?:PATCH|PUT)\b/i.test(text),
  },
  { bare: unauthorized, class: 'auth', hint: 'docker login' },
  {
    bare: /denied: denied/i,
    class: 'auth',
    retry: true,
    hint: 'docker login',
    when: ({ tool, text, registry }) => tool === 'oras' && isGhcr(registry, text),
  },
  {
    bare: /403 Forbidden\s*(?:$|\()|403: Forbidden\s*$|status code 403\b/i,
    class: 'auth',
    retry: true,
    hint: 'packages: write',
    when: ({ text, registry }) => isGhcr(registry, text),
  },
  { bare: forbidden, class: 'auth', hint: 'permission' },
  // what is asked for without a body is refused without a word
  { bare: status('400'), class: 'config', hint: 'lowercase', when: ({ text }) => /\bHEAD "/.test(text) },
  { text: /unknown response Content-Length|missing required header|status code 20[0-3]\b/, class: 'config', hint: 'not a registry' },
  { bare: /not found/i, class: 'config', hint: 'not a registry' },
  { bare: status('404'), class: 'config', hint: 'not a registry' },
]
