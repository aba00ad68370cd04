import { describe, expect, it } from 'vitest'
import {
  clusterOfContext,
  contextName,
  mirrorEndpoint,
  mirrorName,
  nameOfFolder,
  nodeName,
  registryName,
  repositoryName,
  syncPath,
  validateName,
} from '../../../lib/base/names.ts'
import { outcome, vectors } from '../../fakes/vectors.ts'

describe('name-validation', () => {
  it.each(vectors('name-validation'))('$name', async ({ input, expected }) => {
    const result = await outcome(() => validateName(input) ?? 'default')
    expect(result === input ? 'ok' : result).toEqual(expected)
  })
})

const names: Record<string, (input: { cluster: string; host: string; number: number }) => string> = {
  registry: ({ cluster }) => registryName(cluster),
  volume: ({ cluster }) => registryName(cluster),
  mirror: ({ cluster, host }) => mirrorName(cluster, host),
  mirrorEndpoint: ({ cluster, host }) => mirrorEndpoint(cluster, host),
  controlPlane: ({ cluster }) => nodeName(cluster, 'control-plane'),
  worker: ({ cluster, number }) => nodeName(cluster, 'worker', number),
}

describe('container-names', () => {
  it.each(vectors('container-names'))('$name', ({ input, expected }) => expect(names[input.what]!(input)).toBe(expected))
})

describe('kube-context', () => {
  it.each(vectors('kube-context'))('$name', async ({ input, expected }) =>
    expect(await outcome(() => clusterOfContext(input))).toEqual(expected),
  )
  it('is the inverse of contextName', () =>
    expect(clusterOfContext(contextName('Vanilla', 'dev'))).toEqual({ distribution: 'Vanilla', cluster: 'dev' }))
})

describe('repository-name', () => {
  it.each(vectors('repository-name'))('$name', ({ input, expected }) =>
    expect(repositoryName(input.projectDirectory, input.sourceDirectory)).toBe(expected),
  )
})

describe('sync-path', () => {
  it.each(vectors('sync-path'))('$name', async ({ input, expected }) => expect(await outcome(() => syncPath(input))).toEqual(expected))
})

it.each([
  ['My Project', 'my-project'],
  ['tmp.AbC1', 'tmp-abc1'],
  ['-x-', 'x'],
])('a folder %s makes the name %s', (folder, name) => expect(nameOfFolder(folder)).toBe(name))
