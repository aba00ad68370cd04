const MASK = '****'
/** Shorter values stand in too many words: replacing them would shred the text. */
const SHORTEST = 4

/** Values that nobody told us but that look like a secret. The first group stays. */
const patterns: readonly RegExp[] = [
  /()\b(?:gh[opsur]_[A-Za-z0-9]+|github_pat_\w+|glpat-[\w-]+|(?:AKIA|ASIA)[A-Z0-9]{16}|eyJ[\w-]+\.[\w-]+\.[\w-]+)/g,
  /()AGE-SECRET-KEY-1[A-Za-z0-9]+/g,
  /(Authorization"?\s*[:=]\s*"?(?:Basic|Bearer)\s+)[^\s"',]+/gi,
  // a port and a path are no password, and what follows a digest's @ is no host
  /(:\/\/[^\s/:@"']*:)(?!\d{1,5}\/)[^\s"'<>]+(?=@(?!sha(?:256|512):))/g,
  /("auth"\s*:\s*")[^"]+/g,
  /(\b_state=)[^&\s"']+/g,
  /(client-key-data:\s*)\S+/g,
]

/** Escape sequences and other control characters, but line ends and tabs: they could forge what a terminal shows. */
// oxlint-disable-next-line no-control-regex
const CONTROL = /\u001B\[[0-?]*[ -/]*[@-~]|\u001B\][^\u0007\u001B]*(?:\u0007|\u001B\\)|[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/g

/** A secret as it may appear in URLs, JSON and logs. */
const formsOf = (secret: string): readonly string[] => {
  const forms = [secret, ...secret.split(/\r?\n/), JSON.stringify(secret).slice(1, -1)]
  try {
    forms.push(encodeURIComponent(secret))
  } catch {
    // a lone surrogate has no such form
  }
  return forms
}

/**
 * Replaces secrets in any text that leaves: known values in all their forms, what looks like a token, passwords in URLs; drops control characters.
 *
 * @example
 * redact('login failed for hunter22', ['hunter22']) // 'login failed for ****'
 */
export const redact = (text: string, secrets: Iterable<string> = []): string => {
  let out = text.replace(CONTROL, '')
  const known = new Set([...secrets].flatMap(formsOf).filter((value) => value.trim().length >= SHORTEST))
  for (const secret of [...known].toSorted((a, b) => b.length - a.length)) out = out.replaceAll(secret, MASK)
  for (const pattern of patterns) out = out.replace(pattern, `$1${MASK}`)
  return out
}

/** A registry setting as it may be shown: the password hidden, user and host kept. */
export const redactSetting = (text: string): string => {
  // a digest holds an @ of its own
  const at = text.replace(/@sha(?:256|512):[^@/]*$/, '').lastIndexOf('@')
  const colon = text.indexOf(':', /^[a-z]+:\/\//.exec(text)?.[0].length ?? 0)
  return at < 0 || colon < 0 || colon >= at - 1 ? text : `${text.slice(0, colon + 1)}${MASK}${text.slice(at)}`
}
