import { describe, expect, it } from 'vitest'
import { commands, groups } from '../../../lib/cli/commands/index.ts'
import { commandHelp, groupHelp, wrap } from '../../../lib/cli/help.ts'
import { GLOBAL, flagName, type Flag } from '../../../lib/cli/command.ts'

it.each(commands.map((row) => [row.path.join(' '), row] as const))('help of %s fits 80 columns and names every flag', (_, row) => {
  const text = commandHelp(row)
  for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80)
  for (const [key, flag] of Object.entries({ ...row.flags, ...GLOBAL } as Record<string, Flag>))
    expect(text).toMatch(new RegExp(`--(no-)?${flagName(key, flag)}\\b`))
  expect(row.examples.length).toBeGreaterThan(0)
})

it('lists every command, grouped by its first word', () => {
  const text = groupHelp([], commands, groups)
  for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80)
  for (const row of commands) expect(text).toContain(`\n  ${row.path.join(' ')} `)
  for (const title of Object.values(groups)) expect(text).toContain(`\n${title}:\n`)
})

it('lists only the commands of a group', () => {
  const text = groupHelp(['cluster'], commands, groups)
  expect(text).toContain('cluster create')
  expect(text).not.toContain('workload push')
})

describe('the table', () => {
  it.each(commands.map((row) => [row.path.join(' '), row] as const))('%s uses each short letter and each flag once', (_, row) => {
    const flags = Object.entries({ ...row.flags, ...GLOBAL } as Record<string, Flag>)
    const shorts = flags.flatMap(([, { short }]) => (short === undefined ? [] : [short]))
    expect(new Set(shorts).size).toBe(shorts.length)
    expect(new Set(flags.map(([key, flag]) => flagName(key, flag))).size).toBe(flags.length)
  })

  it('has each path once', () => expect(new Set(commands.map((row) => row.path.join(' '))).size).toBe(commands.length))
})

it('wraps between words only', () => expect(wrap('a bb ccc dddddddddd e', 6)).toEqual(['a bb', 'ccc', 'dddddddddd', 'e']))
