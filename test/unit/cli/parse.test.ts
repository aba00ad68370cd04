import { describe, expect, expectTypeOf, it } from 'vitest'
import { command } from '../../../lib/cli/command.ts'
import { match, parse } from '../../../lib/cli/parse.ts'

const row = command({
  path: ['workload', 'push'],
  summary: 'push',
  examples: [],
  args: { ref: { summary: 'where to' } },
  flags: {
    tag: { type: 'string', summary: 'tag' },
    alsoTags: { type: 'list', flag: 'also-tag', summary: 'more' },
    workers: { type: 'number', summary: 'how many' },
    dryRun: { type: 'boolean', short: 'd', summary: 'dry' },
    validate: { type: 'boolean', negative: true, summary: 'no validation' },
    engine: { type: 'string', flag: 'gitops-engine', short: 'g', choices: ['None', 'Flux'], summary: 'engine' },
  },
  run: async (input) => {
    expectTypeOf(input.ref).toEqualTypeOf<string | undefined>()
    expectTypeOf(input.workers).toEqualTypeOf<number | undefined>()
    expectTypeOf(input.alsoTags).toEqualTypeOf<readonly string[] | undefined>()
    expectTypeOf(input.engine).toEqualTypeOf<'None' | 'Flux' | undefined>()
    return input
  },
  text: () => undefined,
})
const read = (...words: string[]) => parse(words, row, 'ksail workload push')

describe('input', () => {
  it.each([
    [[], {}],
    [['--tag', '1.10'], { tag: '1.10' }],
    [['--tag=1.10'], { tag: '1.10' }],
    [['--tag=-x'], { tag: '-x' }],
    [['--tag', '-5m', '-d'], { tag: '-5m', dryRun: true }],
    [['0123'], { ref: '0123' }],
    [['--', '--tag'], { ref: '--tag' }],
    [['--dry-run', 'oci://a/b'], { dryRun: true, ref: 'oci://a/b' }],
    [['-d'], { dryRun: true }],
    [['--no-dry-run'], { dryRun: false }],
    [['--dry-run=false'], { dryRun: false }],
    [['--no-validate'], { validate: false }],
    [['--validate'], { validate: true }],
    [['--also-tag', 'a', '--also-tag=b'], { alsoTags: ['a', 'b'] }],
    [['--workers', '3'], { workers: 3 }],
    [['--gitops-engine', 'flux'], { engine: 'Flux' }],
    [['-gFLUX'], { engine: 'Flux' }],
    [['-g=none'], { engine: 'None' }],
  ] as const)('%j is %o', (words, input) => expect(read(...words).input).toEqual(input))
})

describe('usage errors', () => {
  it.each([
    [['--tga', 'x'], 'ksail workload push has no flag --tga', 'did you mean --tag?'],
    [['--no-validat'], 'ksail workload push has no flag --no-validat', 'did you mean --no-validate?'],
    [['--no-tag'], 'ksail workload push has no flag --no-tag', undefined],
    [['--wat.er=1'], 'ksail workload push has no flag --wat.er', undefined],
    [['-x'], 'ksail workload push has no flag -x', undefined],
    [['--workers', '-1'], '--workers must be a whole number; it is -1', undefined],
    [['-g', '-1'], '--gitops-engine must be one of None, Flux; it is -1', undefined],
    [['-1'], 'ksail workload push has no flag -1', undefined],
    [['--tag'], '--tag needs a value', 'write --tag VALUE'],
    [['--tag', '--dry-run'], '--tag needs a value', undefined],
    [['--tag='], '--tag needs a value', undefined],
    [['--tag', 'a', '--tag', 'b'], '--tag is given twice: a, b', 'give it once'],
    [['--gitops-engine', 'argo'], '--gitops-engine must be one of None, Flux; it is argo', undefined],
    [['-o', 'yaml'], '--output must be one of text, json; it is yaml', undefined],
    [['--workers', '2.5'], '--workers must be a whole number; it is 2.5', undefined],
    [['--dry-run=maybe'], '--dry-run takes no value; it is maybe', undefined],
    [['a', 'b', 'c'], 'ksail workload push takes one argument; too many: b c', undefined],
  ] as const)('%j: %s', (words, message, hint) => {
    const told = (): unknown => {
      try {
        return read(...words)
      } catch (error) {
        return error
      }
    }
    expect(told()).toMatchObject({ code: 'usage', exitCode: 2, message, ...(hint === undefined ? {} : { hint }) })
  })
})

it.each([
  [[], 0],
  [['-v'], 1],
  [['-vv'], 2],
  [['-v', '-v'], 2],
  [['-vvv'], 2],
  [['-q'], -1],
  [['-dv'], 1],
] as const)('%j is level %i', (words, level) => expect(read(...words).global.verbosity).toBe(level))

describe('match', () => {
  const table = [row, { ...row, path: ['up'] }, { ...row, path: ['cluster', 'up'] }]
  it.each([
    [['workload', 'push', 'x'], ['workload', 'push'], ['x'], true],
    [['-v', 'workload', '--log', 'up', 'push', '--tag', 'up'], ['workload', 'push'], ['-v', '--log', 'up', '--tag', 'up'], true],
    [['workload'], ['workload'], [], false],
    [['cluster', 'dwon'], ['cluster'], ['dwon'], false],
    [['--', 'up'], [], ['--', 'up'], false],
    [['up', 'push'], ['up'], ['push'], true],
  ] as const)('%j', (words, path, rest, found) => {
    const result = match(words, table)
    expect(result).toMatchObject({ path, rest })
    expect(result.row !== undefined).toBe(found)
  })
})
