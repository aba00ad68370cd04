import { stringify } from 'yaml'
import type { ClusterRecord } from '../providers/record.ts'

const configMap = (namespace: string, name: string, data: Readonly<Record<string, string>>): string =>
  stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace, labels: { 'app.kubernetes.io/managed-by': 'ksail' } },
    data,
  })

/** KEP-1755: tells Tilt, Skaffold, ctlptl and others where this cluster's registry is. */
export const registryNotice = (port: number, inside: string): string =>
  configMap('kube-public', 'local-registry-hosting', {
    'localRegistryHosting.v1': stringify({
      host: `localhost:${port}`,
      hostFromContainerRuntime: inside,
      hostFromClusterNetwork: inside,
      help: 'https://kind.sigs.k8s.io/docs/user/local-registry/',
    }),
  })

/** Whose cluster this is and what was applied to it last, so that the next run can tell that nothing is left to do. */
export const ownerNotice = (record: ClusterRecord, applied: string): string =>
  configMap('kube-system', 'ksail', { project: record.id, directory: record.project, applied })
