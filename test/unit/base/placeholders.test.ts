import { describe, expect, it } from 'vitest'
import { expandPlaceholders } from '../../../lib/base/placeholders.ts'

describe('placeholders', () => {
  it('tells which values came from the environment', () => {
    const seen: string[] = []
    expandPlaceholders('${A}:${B:-x}', { A: 'one' }, 'a setting', (value) => seen.push(value))
    expect(seen).toEqual(['one'])
  })

  it('does not expand what a variable holds', () => expect(expandPlaceholders('${A}', { A: '${B}', B: 'x' }, 'a setting')).toBe('${B}'))
})
