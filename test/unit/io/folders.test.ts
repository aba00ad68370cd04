import { expect, it } from 'vitest'
import { cacheFolder, stateFolder } from '../../../lib/io/folders.ts'

it.each([
  [{ HOME: '/h', XDG_STATE_HOME: '/s', XDG_CACHE_HOME: '/c' }, '/s/ksail', '/c/ksail'],
  [{ HOME: '/h' }, '/h/.local/state/ksail', '/h/.cache/ksail'],
  [{ HOME: '/h', XDG_STATE_HOME: '', XDG_CACHE_HOME: '' }, '/h/.local/state/ksail', '/h/.cache/ksail'],
  [{ HOME: '/h', XDG_STATE_HOME: 'state', XDG_CACHE_HOME: './c' }, '/h/.local/state/ksail', '/h/.cache/ksail'],
])('finds its folders by %o, and takes no relative one, which would be another in every folder', (env, state, cache) => {
  expect(stateFolder(env)).toBe(state)
  expect(cacheFolder(env)).toBe(cache)
})
