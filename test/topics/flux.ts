import { sourceFor } from '../../lib/engines/flux/source.ts'
import type { Dependency } from '../../lib/engines/flux/wait/objects.ts'
import { kustomizationState } from '../../lib/engines/flux/wait/kustomization-state.ts'
import { cascade, needsOf, ordered, type Node } from '../../lib/engines/flux/wait/order.ts'
import { isHopeless } from '../../lib/engines/flux/wait/pod-failure.ts'
import { sourceState } from '../../lib/engines/flux/wait/source-state.ts'
import { isTransient } from '../../lib/tools/kube-failure.ts'
import { given, gives, type Topic } from './topic.ts'

/** Tables leave flux-system away. */
const HOME = 'flux-system'
const full = (name: string): string => (name.includes('/') ? name : `${HOME}/${name}`)
const short = (id: string): string => id.replace(`${HOME}/`, '')

interface Named {
  readonly namespace?: string
  readonly name: string
  readonly dependsOn: Dependency[]
}
const nodesOf = (all: readonly Named[]): Node[] =>
  all.map(({ namespace = HOME, name, dependsOn }) => ({ id: `${namespace}/${name}`, needs: needsOf(namespace, dependsOn) }))

export const fluxTopics = {
  'flux-source': gives(({ cluster, target }) => sourceFor(cluster, { ...target, port: given(target.port) })),
  'ocirepository-wait': gives(({ tag, digest, token, registryHead, object }) =>
    sourceState({ ...object, artifactRevision: given(object.artifactRevision), revision: `${tag}@${digest}`, token, registryHead }),
  ),
  'kustomization-readiness': gives(({ revision, seenAfterFetch, object }) =>
    kustomizationState({ suspend: false, annotations: {}, ...object, revision: given(revision), seenAfterFetch }),
  ),
  'rollout-early-failure': gives((facts) =>
    isHopeless(Object.fromEntries(Object.entries(facts as object).filter(([, value]) => value !== null))) ? 'fail' : 'wait',
  ),
  ordering: gives(({ kustomizations }) => ordered(nodesOf(kustomizations)).map(short)),
  'failure-cascade': gives((input) => {
    const { failed, blocked } = cascade(nodesOf(input.kustomizations), new Set(input.failed.map(full)), new Set(input.done.map(full)))
    return { failed: failed.map(short), blocked: blocked.map(({ id, root }) => ({ name: short(id), root: short(root) })) }
  }),
  'api-transient': gives((input) => isTransient(input)),
} satisfies Record<string, Topic>
