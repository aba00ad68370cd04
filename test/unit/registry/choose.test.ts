import { describe, expect, it } from 'vitest'
import { chooseRegistry } from '../../../lib/registry/choose.ts'
import { outcome, vectors } from '../../fakes/vectors.ts'

describe('registry-container', () => {
  it.each(vectors('registry-container'))('$name', async ({ input, expected }) => {
    expect(
      await outcome(
        () => chooseRegistry(input.containers as { name: string; running: boolean; labels: Record<string, string> }[], input.cluster)?.name,
      ),
    ).toEqual(expected)
  })
})
