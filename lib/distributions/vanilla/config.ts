import { Document, isSeq, LineCounter, parse as read, parseDocument } from 'yaml'
import { configError } from '../../base/errors.ts'
import type { Target } from '../../base/target.ts'

const HEADER = { kind: 'Cluster', apiVersion: 'kind.x-k8s.io/v1alpha4' }

/** A patch that lets kubelets of 1.35 and later run where control groups version 1 are all there is; kind does not set it. */
const CGROUP_V1 = 'kind: KubeletConfiguration\nfailCgroupV1: false\n'

/**
 * What a control plane of one node need not wait for: an election without rivals (2 to 4 s after a look that came too early), and 20
 * requests a second, which hold the start of its forty controllers back for 4 s. Without a version, so that kind translates it.
 */
const ALONE = `kind: ClusterConfiguration
controllerManager:
  extraArgs:
    leader-elect: "false"
    kube-api-qps: "500"
    kube-api-burst: "1000"
scheduler:
  extraArgs:
    leader-elect: "false"
`

const roles = ({ controlPlanes = 1, workers = 0 }: Target): { role: string }[] => [
  ...Array.from({ length: controlPlanes }, () => ({ role: 'control-plane' })),
  ...Array.from({ length: workers }, () => ({ role: 'worker' })),
]

const parse = (text: string, file: string): Document => {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const [error] = document.errors
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0])
    throw configError({ file, line, column: col }, error.message.charAt(0).toLowerCase() + error.message.slice(1), 'correct the YAML')
  }
  if (document.get('kind') !== HEADER.kind)
    throw configError(
      { file },
      `is not a configuration of kind (kind: Cluster, apiVersion: ${HEADER.apiVersion})`,
      'write it again with ksail cluster init --force',
    )
  return document
}

interface Facts {
  /** Text of kind.yaml; undefined when the project has none. */
  readonly text: string | undefined
  readonly cgroupVersion: string
}

/**
 * The configuration that kind gets: the project's kind.yaml as it stands, with the cluster's name, and with what this machine needs.
 * Node numbers come from the settings when they were given, else from kind.yaml.
 */
export const kindConfig = (target: Target, { text, cgroupVersion }: Facts): string => {
  const document = text === undefined ? new Document({ ...HEADER, nodes: roles(target) }) : parse(text, target.distributionConfig)
  document.set('name', target.name)
  if (text !== undefined) resize(document, target)
  const { nodes = [] } = document.toJS() as { nodes?: { role?: string }[] }
  const alone = nodes.filter(({ role = 'control-plane' }) => role === 'control-plane').length <= 1
  // before those of kind.yaml, so that what it says itself holds
  prepend(document, [
    ...(alone ? [ALONE] : []),
    ...(cgroupVersion === '1' && !document.toString().includes('failCgroupV1') ? [CGROUP_V1] : []),
  ])
  return document.toString()
}

/** The nodes that a cluster would be made of. */
export const nodesWanted = (target: Target, text: string | undefined): readonly { readonly image?: string }[] => {
  const { nodes = [{}] } = read(kindConfig(target, { text, cgroupVersion: '2' })) as { nodes?: { image?: string }[] }
  return nodes
}

/** Puts patches before those that are there. */
const prepend = (document: Document, patches: readonly string[]): void => {
  if (patches.length === 0) return
  const own = document.get('kubeadmConfigPatches')
  if (isSeq(own)) own.items.unshift(...patches.map((patch) => document.createNode(patch)))
  else document.set('kubeadmConfigPatches', document.createNode(patches))
}

/** Nodes in the wanted numbers: those of the file first, then copies of the last of its role. */
const resize = (document: Document, target: Target): void => {
  const listed = (document.toJS() as { nodes?: { role?: string }[] }).nodes ?? [{ role: 'control-plane' }]
  const ofRole = (role: string, count: number | undefined): unknown[] => {
    const same = listed.filter((node) => (node.role ?? 'control-plane') === role)
    return count === undefined ? same : Array.from({ length: count }, (_, index) => same[index] ?? same.at(-1) ?? { role })
  }
  const nodes = [...ofRole('control-plane', target.controlPlanes), ...ofRole('worker', target.workers)]
  if (nodes.length !== listed.length) document.set('nodes', document.createNode(nodes))
}
