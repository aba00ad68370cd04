import { describe, expect, it } from 'vitest'
import { host } from '../../../lib/io/host.ts'
import type { Event } from '../../../lib/base/events.ts'
import {
  chooseLook,
  colorLevel,
  createReporter,
  isLive,
  maskingSecrets,
  type Look,
  type ReporterOptions,
} from '../../../lib/io/reporter.ts'

const failure: Event = {
  kind: 'error',
  code: 'unresolved',
  message: 'no registry found; looked in',
  details: ['1. --registry: not set'],
  hint: 'pass --registry',
}
const events: readonly Event[] = [
  { kind: 'step', text: 'packing k8s' },
  { kind: 'done', text: 'packing k8s', ms: 1400 },
  { kind: 'note', text: 'the digest is known' },
  { kind: 'wait', text: 'Deployment default/app: 0 of 1 ready' },
  { kind: 'warn', text: 'two\nlines' },
  { kind: 'progress', text: 'fetching kind', done: 1, total: 2, unit: 'items' },
  { kind: 'progress', text: 'fetching kind', done: 6_000_000, total: 6_000_000, unit: 'bytes' },
  { kind: 'retry', text: 'pushing', attempt: 1, of: 3, ms: 1000 },
  { kind: 'file', action: 'created', path: 'ksail.yaml' },
  { kind: 'file', action: 'kept', path: 'kind.yaml' },
  { kind: 'timing', text: 'registry', at: 100, ms: 1200 },
  { kind: 'command', command: 'kind version' },
  { kind: 'output', text: '::set-env name=A::b' },
  failure,
]

const told = (over: Partial<ReporterOptions> = {}, given = events): string => {
  let out = ''
  const report = createReporter({
    look: 'plain',
    level: 0,
    color: 0,
    live: false,
    columns: () => 80,
    secrets: [],
    write: (text) => void (out += text),
    ...over,
  })
  for (const event of given) report(event)
  report.clear()
  return out
}

it('prints a line for each event, without control codes', () => {
  expect(told()).toMatchInlineSnapshot(`
    "► packing k8s
    ✔ packing k8s (1.4 s)
      the digest is known
      … Deployment default/app: 0 of 1 ready
    ⚠ two
    lines
      fetching kind: 6.0 MB of 6.0 MB
    ⚠ pushing; attempt 1 of 3 failed, the next in 1.0 s
    ✚ created ksail.yaml
      kept kind.yaml
        +0.1 s   1.2 s  registry
    ✗ no registry found; looked in
        1. --registry: not set
      pass --registry
    "
  `)
})

it.each([
  [-1, ['✗']],
  [0, ['►', '✗']],
  [1, ['►', '$ kind version', '✗']],
  [2, ['►', '$ kind version', '| ::set-env', '✗']],
] as const)('shows at level %i what belongs there', (level, parts) => {
  const text = told({ level })
  for (const part of ['►', '$ kind version', '| ::set-env', '✗'])
    expect(text.includes(part), part).toBe((parts as readonly string[]).includes(part))
})

it('turns warnings and errors into annotations for GitHub, and nothing of a child into a command', () => {
  const lines = told({ look: 'github', level: 2 }).split('\n')
  expect(lines).toContain('::warning::two%0Alines')
  expect(lines).toContain('::error title=ksail unresolved::no registry found; looked in%0A1. --registry: not set%0Apass --registry')
  expect(lines.filter((line) => line.trimStart().startsWith('::'))).toHaveLength(2)
})

it('writes one JSON object per line', () => {
  const lines = told({ look: 'json', level: 2, live: true }).trimEnd().split('\n')
  expect(lines.map((line) => JSON.parse(line))).toEqual(events)
})

it('colours the glyph and leaves the words alone', () => {
  expect(told({ look: 'color', color: 1 }, [{ kind: 'warn', text: 'careful' }])).toBe('\x1b[33m⚠\x1b[39m careful\n')
  expect(told({ look: 'color', color: 0 }, [{ kind: 'warn', text: 'careful' }])).toBe('⚠ careful\n')
})

it('makes no command of the runner out of what others have named', () => {
  const lines = told({ look: 'github' }, [
    { kind: 'note', text: '::add-mask::a.yaml' },
    { kind: 'file', action: 'created', path: 'a\n::error::b.yaml' },
    { kind: 'step', text: 'pushing k8s\n  ::stop-commands::x' },
    { kind: 'warn', text: '::error::c.yaml' },
  ])
  expect(lines.split('\n').filter((line) => line.trimStart().startsWith('::'))).toEqual(['::warning::::error::c.yaml'])
})

it.each(['plain', 'color', 'github', 'json'] as const satisfies readonly Look[])('never prints a secret (%s)', (look) => {
  const secret = 'hunter2hunter2'
  const given: Event[] = [
    { kind: 'step', text: `with ${secret}` },
    { ...failure, message: secret, details: [secret], hint: secret } as Event,
  ]
  for (const live of [true, false]) expect(told({ look, live, level: 2, secrets: new Set([secret]) }, given)).not.toContain(secret)
})

describe('on a terminal', () => {
  it('gives what it waits for a line of its own where the live line would cut it, once', () => {
    const wait: Event = { kind: 'wait', text: 'waiting for Deployment default/web: Unschedulable: Insufficient cpu' }
    const given: Event[] = [{ kind: 'step', text: 'reconciling' }, wait, wait, { kind: 'wait', text: 'kind: preparing' }]
    const lines = (columns: number): string[] =>
      told({ look: 'color', live: true, columns: () => columns }, given)
        .split(/\n|\r\x1b\[2K/)
        .filter((line) => line.startsWith('  … '))
    expect(lines(60)).toEqual([`  … ${wait.text}`])
    expect(lines(100)).toEqual([])
  })

  it('shows what runs on one live line that is erased, never wider than the terminal', () => {
    const text = told({ look: 'color', live: true, columns: () => 30 }, [
      { kind: 'step', text: 'a step with a text that is longer than the terminal is wide' },
      { kind: 'step', text: 'another' },
      { kind: 'wait', text: 'something' },
    ])
    const drawn = text.split('\r\x1b[2K')
    expect(drawn.length).toBeGreaterThan(3)
    for (const line of drawn) expect([...line].length).toBeLessThan(30)
    expect(text).not.toContain('\n')
    expect(drawn.at(-2)).toMatch(/^⠋ \d+\.\d s something · a step/)
    expect(drawn.at(-1)).toBe('')
  })

  it('replaces the live line by the line that says it is done', () => {
    const text = told({ look: 'color', live: true }, [
      { kind: 'step', text: 'packing' },
      { kind: 'done', text: 'packing', ms: 100 },
    ])
    expect(text.endsWith('\r\x1b[2K✔ packing (0.1 s)\n')).toBe(true)
  })

  it('has a bar that does not fall back when one of several is done, and begins anew after the last', () => {
    const fetched = (text: string, done: number): Event => ({ kind: 'progress', text, done, total: 40_000_000, unit: 'bytes' })
    const text = told({ look: 'color', live: true, columns: () => 100 }, [
      { kind: 'step', text: 'downloading a' },
      { kind: 'step', text: 'downloading b' },
      fetched('downloading a', 10_000_000),
      fetched('downloading b', 40_000_000),
      { kind: 'done', text: 'downloading b', ms: 100 },
      fetched('downloading a', 30_000_000),
      { kind: 'done', text: 'downloading a', ms: 100 },
      { kind: 'step', text: 'downloading c' },
      fetched('downloading c', 20_000_000),
    ])
    const bars = [...text.matchAll(/[\d.]+ MB of [\d.]+ MB/g)].map(([bar]) => bar)
    expect(bars.filter((bar, index) => bar !== bars[index - 1])).toEqual([
      '10.0 MB of 40.0 MB',
      '50.0 MB of 80.0 MB',
      '70.0 MB of 80.0 MB',
      '20.0 MB of 40.0 MB',
    ])
  })

  it('shows one bar for all that is fetched at once, and none for what has ended', () => {
    const fetched = (text: string, done: number): Event => ({ kind: 'progress', text, done, total: 40_000_000, unit: 'bytes' })
    const text = told({ look: 'color', live: true, columns: () => 100 }, [
      { kind: 'step', text: 'downloading a' },
      { kind: 'step', text: 'downloading b' },
      fetched('downloading a', 10_000_000),
      fetched('downloading b', 30_000_000),
      { kind: 'done', text: 'downloading b', ms: 100 },
      { kind: 'missed', text: 'downloading a', why: 'the site does not answer' },
      { kind: 'step', text: 'building a' },
    ])
    expect(text).toContain('[==========          ] 40.0 MB of 80.0 MB · 0.0 s downloading a, downloading b')
    expect(text).toContain('[=====               ] 10.0 MB of 40.0 MB · 0.0 s downloading a')
    expect(text).toMatch(/ {2}downloading a: the site does not answer\n.*0\.0 s building a.{0,6}$/s)
    expect(text.slice(text.lastIndexOf('\n'))).not.toMatch(/\[=|downloading/)
  })

  it('is quiet with -q', () => {
    expect(told({ look: 'color', live: true, level: -1 }, [{ kind: 'step', text: 'packing' }])).toBe('')
  })
})

it.each([
  ['plain', { GITHUB_ACTIONS: 'true' }, true, 'plain'],
  [undefined, { KSAIL_LOG: 'JSON' }, true, 'json'],
  [undefined, { GITHUB_ACTIONS: 'true' }, true, 'github'],
  [undefined, {}, true, 'color'],
  [undefined, {}, false, 'plain'],
] as const)('chooses the look: flag %s, %o, terminal %s → %s', (flag, env, terminal, look) =>
  expect(chooseLook(flag, env, terminal)).toBe(look),
)

it.each([
  [true, { FORCE_COLOR: '1' }, true, 0],
  [false, { NO_COLOR: '1', FORCE_COLOR: '1' }, true, 0],
  [false, { NO_COLOR: '' }, true, 1],
  [false, { FORCE_COLOR: '1' }, false, 1],
  [false, { FORCE_COLOR: '0' }, true, 0],
  [false, { CI: 'true' }, true, 0],
  [false, { TERM: 'dumb' }, true, 0],
  [false, {}, false, 0],
  [false, {}, true, 1],
] as const)('decides the colour: --no-color %s, %o, terminal %s → %i', (flag, env, terminal, level) =>
  expect(colorLevel(flag, env, terminal)).toBe(level),
)

it('rewrites no line where only a log looks on', () => {
  expect(isLive({}, true)).toBe(true)
  expect(isLive({ CI: '1' }, true)).toBe(false)
})

it('tells progress in lines of its own no more often than somebody waits for one', () => {
  let [now, out] = [0, '']
  const report = createReporter({
    look: 'plain',
    level: 0,
    color: 0,
    live: false,
    columns: () => 80,
    secrets: [],
    write: (text) => void (out += text),
    now: () => now,
  })
  for (const [at, done] of [
    [0, 1],
    [5, 2],
    [10, 3],
    [15, 4],
    [19, 5],
    [21, 6],
    [22, 7],
  ] as const) {
    now = at * 1000
    report({ kind: 'progress', text: 'downloading a', done: done * 1_000_000, total: 7_000_000, unit: 'bytes' })
  }
  expect(out).toBe([3, 6, 7].map((it) => `  downloading a: ${it}.0 MB of 7.0 MB\n`).join(''))
})

it('masks each line of a secret for GitHub once, and none that is too short', () => {
  let out = ''
  const secrets = maskingSecrets((text) => void (out += text))
  for (const secret of ['abcd\n100%x', 'abcd\n100%x', 'abc']) secrets.add(secret)
  expect(out).toBe('::add-mask::abcd\n::add-mask::100%25x\n')
  expect([...secrets]).toEqual(['abcd\n100%x', 'abc'])
})

it('takes a terminal that does not know its width for one of 80 columns', () => {
  const { columns } = process.stderr
  try {
    process.stderr.columns = 0
    expect(host.columns()).toBe(80)
  } finally {
    process.stderr.columns = columns
  }
})
