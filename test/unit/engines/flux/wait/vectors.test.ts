import { describe, expect, it } from 'vitest'
import type { Condition } from '../../../../../lib/base/object.ts'
import { kustomizationState } from '../../../../../lib/engines/flux/wait/kustomization-state.ts'
import { cascade, needsOf, ordered, type Node } from '../../../../../lib/engines/flux/wait/order.ts'
import type { Dependency } from '../../../../../lib/engines/flux/wait/objects.ts'
import { isHopeless, type FailureFacts } from '../../../../../lib/engines/flux/wait/pod-failure.ts'
import { sourceState } from '../../../../../lib/engines/flux/wait/source-state.ts'
import { isTransient } from '../../../../../lib/tools/kube.ts'
import { vectors } from '../../../../fakes/vectors.ts'

interface SourceInput {
  tag: string
  digest: string
  token: string
  registryHead: string
  object: { artifactRevision: string | null; lastHandledReconcileAt: string; conditions: Condition[] }
}

interface KustomizationInput {
  revision: string | null
  seenAfterFetch: boolean
  object: {
    generation: number
    observedGeneration: number
    lastAttemptedRevision: string
    lastAppliedRevision: string
    suspend?: boolean
    annotations?: Record<string, string>
    conditions: Condition[]
  }
}

interface Graph {
  kustomizations: { namespace?: string; name: string; dependsOn: Dependency[] }[]
}

/** Vectors leave flux-system away. */
const HOME = 'flux-system'
const full = (name: string): string => (name.includes('/') ? name : `${HOME}/${name}`)
const short = (id: string): string => id.replace(`${HOME}/`, '')
const nodesOf = ({ kustomizations }: Graph): Node[] =>
  kustomizations.map(({ namespace = HOME, name, dependsOn }) => ({ id: `${namespace}/${name}`, needs: needsOf(namespace, dependsOn) }))

describe('source state', () => {
  it.each(vectors<SourceInput, string>('ocirepository-wait'))('$name', ({ input, expected }) => {
    const { tag, digest, token, registryHead, object } = input
    expect(sourceState({ ...object, artifactRevision: object.artifactRevision ?? undefined, revision: `${tag}@${digest}`, token, registryHead })).toBe(expected)
  })
})

describe('kustomization state', () => {
  it.each(vectors<KustomizationInput, string>('kustomization-readiness'))('$name', ({ input, expected }) => {
    const { revision, seenAfterFetch, object } = input
    expect(kustomizationState({ suspend: false, annotations: {}, ...object, revision: revision ?? undefined, seenAfterFetch })).toBe(expected)
  })
})

describe('early failure of a rollout', () => {
  it.each(vectors<FailureFacts, string>('rollout-early-failure'))('$name', ({ input, expected }) => {
    expect(isHopeless(Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null)))).toBe(expected === 'fail')
  })
})

describe('order', () => {
  it.each(vectors<Graph, string[]>('ordering'))('$name', ({ input, expected }) => {
    expect(ordered(nodesOf(input)).map(short)).toEqual(expected)
  })
})

describe('cascade', () => {
  it.each(vectors<Graph & { failed: string[]; done: string[] }, object>('failure-cascade'))('$name', ({ input, expected }) => {
    const { failed, blocked } = cascade(nodesOf(input), new Set(input.failed.map(full)), new Set(input.done.map(full)))
    expect({ failed: failed.map(short), blocked: blocked.map(({ id, root }) => ({ name: short(id), root: short(root) })) }).toEqual(expected)
  })
})

describe('transient failures of the API', () => {
  it.each(vectors<{ status?: number; error?: string }, boolean>('api-transient'))('$name', ({ input, expected }) => {
    expect(isTransient(input)).toBe(expected)
  })
})
