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

it('shows what a setting is where nobody says it', () => {
  const help = (name: string): string => commandHelp(commands.find(({ path }) => path.join(' ') === name)!).replaceAll(/\s+/g, ' ')
  expect(help('cluster create')).toContain('--workers N number of worker nodes (default 0) [KSAIL_WORKERS]')
  expect(help('cluster create')).toContain('--timeout DURATION longest wait, as 90s or 5m (default 5m)')
  expect(help('cluster create')).toContain('GitOps engine to bootstrap (default None)')
  // without a ksail.yaml it is another one
  expect(help('up')).toContain('GitOps engine to bootstrap [KSAIL_GITOPS_ENGINE]')
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
