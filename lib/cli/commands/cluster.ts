import { flagsOf, settings } from '../../config/settings.ts'
import { command, type AnyCommand } from '../command.ts'
import { cluster, connection, dryRun, project, removal, timeout } from './flags.ts'
import { clusterTable, infoText, removedList, wouldBe } from './text.ts'

export const makeFlags = {
  retain: { type: 'boolean', summary: 'keep what was made when a step fails' },
  adopt: { type: 'boolean', summary: 'take over a moved project, or a cluster that others made' },
  allowShortLived: { type: 'boolean', summary: 'let the cluster pull with a token that ends with this CI run' },
  switch: { type: 'boolean', negative: true, summary: 'leave the current context of the kubeconfig as it is' },
  dryRun: { type: 'boolean', summary: 'say what would be done, and with which commands; change nothing' },
  timings: { type: 'boolean', summary: 'show when each step began and how long it took' },
} as const

const init = command({
  path: ['cluster', 'init'],
  summary: 'Write the files of a project: ksail.yaml, kind.yaml, k8s/ and flux/',
  description: 'An existing file is kept, and named, unless --force is given.',
  examples: [
    'ksail cluster init --name dev --distribution Vanilla --gitops-engine Flux',
    'ksail cluster init --directory my-cluster --example',
  ],
  flags: {
    name: project.name,
    directory: { type: 'string', value: 'DIR', summary: 'folder of the project; default: this one' },
    ...cluster,
    ...connection,
    example: { type: 'boolean', summary: 'deploy the example below k8s/apps, too' },
    force: { type: 'boolean', short: 'f', summary: 'overwrite files that exist' },
    dryRun: { type: 'boolean', summary: 'say which files would be written; write none' },
    interactive: { type: 'boolean', short: 'i', summary: 'ask for what is not given' },
  },
  run: async (input, ctx) => (await import('../../cluster/init.ts')).initProject(input, ctx),
  text: ({ name, directory, dryRun: dry }) => `project ${name} in ${directory}${dry === true ? ' (dry run)' : ''}`,
})

const create = command({
  path: ['cluster', 'create'],
  summary: 'Create the cluster, the registry beside it and the engine',
  description: 'Done when the first artifact is live. Run it again after an interruption: it goes on where it was.',
  examples: ['ksail cluster create', 'ksail cluster create --name dev --gitops-engine Flux --timings'],
  flags: { ...project, ...makeFlags, ...cluster, ...flagsOf(settings.tag), ...connection, ...timeout },
  run: async (input, ctx) => (await import('../../cluster/create.ts')).createCluster(input, ctx),
  text: ({ name, context, registry, planned }) =>
    `cluster ${name}${wouldBe(planned)}: context ${context}${registry === undefined ? '' : `, registry ${registry}`}`,
})

const remove = command({
  path: ['cluster', 'delete'],
  summary: 'Remove the cluster, its registry and what belongs to them',
  description: "Removes what carries this project's id and nothing else. Asks first on a terminal.",
  examples: ['ksail cluster delete', 'ksail cluster delete --yes --keep-storage'],
  flags: { ...project, ...removal, ...connection },
  run: async (input, ctx) => (await import('../../cluster/delete.ts')).deleteCluster(input, ctx),
  text: removedList,
})

const start = command({
  path: ['cluster', 'start'],
  summary: 'Start the nodes and the registry of a stopped cluster',
  examples: ['ksail cluster start'],
  flags: { ...project, ...dryRun, ...connection, ...timeout },
  run: async (input, ctx) => (await import('../../cluster/start.ts')).startCluster(input, ctx),
  text: ({ name, commands, already }) => `cluster ${name} ${commands === undefined || already ? 'runs' : 'would run'}`,
})

const stop = command({
  path: ['cluster', 'stop'],
  summary: 'Stop the nodes and the registry; everything is kept',
  examples: ['ksail cluster stop'],
  flags: { ...project, ...dryRun, ...connection },
  run: async (input, ctx) => (await import('../../cluster/stop.ts')).stopCluster(input, ctx),
  text: ({ name, commands, already }) => `cluster ${name} ${commands === undefined || already ? 'is' : 'would be'} stopped`,
})

const list = command({
  path: ['cluster', 'list'],
  summary: 'List the clusters that ksail made on this machine',
  examples: ['ksail cluster list', 'ksail cluster list -o json'],
  run: async (input, ctx) => (await import('../../cluster/list.ts')).listClusters(input, ctx),
  text: clusterTable,
})

const info = command({
  path: ['cluster', 'info'],
  summary: 'Show a cluster: nodes, registry, engine and where they are',
  examples: ['ksail cluster info', 'ksail cluster info --name dev -o json'],
  flags: { ...project, ...connection },
  run: async (input, ctx) => (await import('../../cluster/info.ts')).clusterInfo(input, ctx),
  text: infoText,
})

export const clusterCommands: readonly AnyCommand[] = [init, create, remove, start, stop, list, info]
