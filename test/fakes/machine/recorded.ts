import { readFileSync } from 'node:fs'

/**
 * What a real tool said, from test/fixtures: the first line tells which version of what, and how it was asked. `{name}` in a recording is
 * what differs from one machine to the next.
 */
export const recorded = (file: string, values: Readonly<Record<string, string>> = {}): string => {
  const text = readFileSync(new URL(`../../fixtures/${file}`, import.meta.url), 'utf8')
  const body = text.slice(text.indexOf('\n') + 1)
  return body.replaceAll(/\{([a-z]+)\}/g, (all, name: string) => values[name] ?? all)
}
