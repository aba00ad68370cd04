import type { Context } from '../../base/context.ts'
import type { Target } from '../../base/target.ts'
import * as docker from '../../tools/docker.ts'

/** The nodes that kind made for a cluster. */
export const nodes = (ctx: Context, name: string) => docker.list(ctx, `label=io.x-k8s.kind.cluster=${name}`)

export const firstNode = (name: string): string => `${name}-control-plane`

/** The stopped nodes, the control plane first: it takes its old address then. */
export const startOrder = (name: string, all: readonly Pick<docker.Container, 'name' | 'running'>[]): readonly string[] =>
  all
    .filter(({ running }) => !running)
    .toSorted((a, b) => Number(b.name === firstNode(name)) - Number(a.name === firstNode(name)))
    .map((node) => node.name)

/** A version names kind's own image of it; without both kind takes its default, or what kind.yaml says. */
export const imageOf = ({ nodeImage, kubernetesVersion }: Target): string | undefined =>
  nodeImage ?? (kubernetesVersion === undefined ? undefined : `kindest/node:v${kubernetesVersion.replace(/^v/, '')}`)
