import { describe, expect, it } from 'vitest'
import { expandPlaceholders } from '../../../lib/base/placeholders.ts'
import { outcome, vectors } from '../../fakes/vectors.ts'

describe('placeholders', () => {
  it.each(vectors('placeholders'))('$name', async ({ input, expected }) => {
    const told = (text: string) => ({
      variable: text
        .split(' ')
        .find((word) => word === `${expected.variable},`)
        ?.slice(0, -1),
      setting: text.split(' ')[0],
    })
    expect(
      await outcome(
        () => expandPlaceholders(input.text, input.env, input.setting),
        ({ message }) => told(message),
      ),
    ).toEqual(expected)
  })

  it('tells which values came from the environment', () => {
    const seen: string[] = []
    expandPlaceholders('${A}:${B:-x}', { A: 'one' }, 'a setting', (value) => seen.push(value))
    expect(seen).toEqual(['one'])
  })

  it('does not expand what a variable holds', () => expect(expandPlaceholders('${A}', { A: '${B}', B: 'x' }, 'a setting')).toBe('${B}'))
})
