import { flagsOf, settings } from '../../config/settings.ts'
import { command, type AnyCommand } from '../command.ts'
import { connection, project, timeout } from './flags.ts'

const plainHttp = { type: 'boolean', summary: 'speak HTTP to a registry that is not on this machine' } as const

const push = command({
  path: ['workload', 'push'],
  summary: 'Package the manifests as an OCI artifact and push it',
  description: 'Prints the reference with its digest alone on stdout. An unchanged tree writes nothing.',
  examples: [
    'ksail workload push',
    'ksail workload push --reconcile',
    'ksail workload push oci://ghcr.io/owner/app:v1.2.3 --also-tag staging',
  ],
  args: { ref: { summary: 'where to push, as oci://host/repository[:tag]' } },
  flags: {
    ...project,
    path: { type: 'string', short: 'p', value: 'DIR', summary: 'directory of the manifests (default k8s)' },
    ...flagsOf(settings.registry, settings.tag, settings.alsoTags),
    reconcile: { type: 'boolean', short: 'r', summary: 'go on until the cluster runs it' },
    immutable: { type: 'boolean', summary: 'the tag must not move: another digest there is a conflict' },
    plainHttp,
    allowPrune: { type: 'boolean', summary: 'push although the engine would remove much, or a namespace' },
    ...flagsOf(settings.allowPlaintextSecrets),
    validate: { type: 'boolean', negative: true, summary: 'do not build the kustomizations first' },
    dryRun: { type: 'boolean', summary: 'say what would be pushed, and where; send nothing' },
    ...connection,
    ...timeout,
  },
  run: async (input, ctx) => (await import('../../workload/push.ts')).push(input, ctx),
  text: ({ reference }) => reference,
})

const reconcile = command({
  path: ['workload', 'reconcile'],
  summary: 'Make the cluster take what was pushed, and wait until it is live',
  description: 'Waits for the digest that was pushed last from here, and ends at the first failure that time will not heal.',
  examples: ['ksail workload reconcile', 'ksail workload reconcile --timeout 2m', 'ksail workload reconcile --latest'],
  args: { ref: { summary: 'where it was pushed, as oci://host/repository[:tag]' } },
  flags: {
    ...project,
    digest: { type: 'string', value: 'sha256:HEX', summary: 'wait for this digest' },
    latest: { type: 'boolean', summary: 'wait for what the tag holds now' },
    ...flagsOf(settings.registry, settings.tag),
    plainHttp,
    ...connection,
    ...timeout,
  },
  run: async (input, ctx) => (await import('../../workload/reconcile.ts')).reconcile(input, ctx),
  text: (result) => `${result.digest} is live`,
})

const promote = command({
  path: ['workload', 'promote'],
  summary: 'Copy an artifact byte for byte to another repository or tag',
  description: 'What is there under the new name has the same digest, which is checked.',
  examples: ['ksail workload promote oci://localhost:5050/app:dev oci://ghcr.io/o/app:v1'],
  args: {
    from: { summary: 'what to copy, as oci://host/repository[:tag][@digest]' },
    to: { summary: 'where to, as oci://host/repository[:tag]; default: the same tag' },
  },
  flags: {
    alsoTags: { type: 'list', flag: 'also-tag', value: 'TAG', summary: 'further tag that moves (repeatable)' },
    immutable: { type: 'boolean', summary: 'the tag must not move: another digest there is a conflict' },
    fromPlainHttp: { type: 'boolean', summary: 'speak HTTP to the first registry, though it is not on this machine' },
    toPlainHttp: { type: 'boolean', summary: 'speak HTTP to the second registry, though it is not on this machine' },
  },
  run: async (input, ctx) => (await import('../../workload/promote.ts')).promote(input, ctx),
  text: ({ reference }) => reference,
})

export const workloadCommands: readonly AnyCommand[] = [push, promote, reconcile]
