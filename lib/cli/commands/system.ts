import { flagsOf, settings } from '../../config/settings.ts'
import { command, type AnyCommand } from '../command.ts'
import { makeFlags } from './cluster.ts'
import { cluster, connection, project, removal, timeout } from './flags.ts'
import { removedList, wouldBe } from './text.ts'

const up = command({
  path: ['up'],
  summary: 'Everything: init without a ksail.yaml, create, push, reconcile',
  description: 'Safe to repeat: what is there already is left alone.',
  examples: ['ksail up', 'ksail up --name dev --node-image kindest/node:v1.34.0'],
  flags: {
    ...project,
    example: { type: 'boolean', summary: 'with the example below k8s/apps, when a project is made' },
    ...makeFlags,
    ...cluster,
    // None where a file leaves it out, Flux where there is none
    engine: { ...cluster.engine, default: undefined },
    ...flagsOf(settings.tag),
    ...connection,
    ...timeout,
  },
  run: async (input, ctx) => (await import('../../cluster/up.ts')).up(input, ctx),
  text: ({ name, context, reference, planned }) =>
    `cluster ${name}${wouldBe(planned)}: context ${context}${reference === undefined ? '' : `, live ${reference}`}`,
})

const down = command({
  path: ['down'],
  summary: 'Remove everything that up made and nothing else',
  description: 'The files of the project stay. Asks first on a terminal.',
  examples: ['ksail down', 'ksail down --yes'],
  flags: { ...project, ...removal, ...connection },
  run: async (input, ctx) => (await import('../../cluster/down.ts')).down(input, ctx),
  text: removedList,
})

export const systemCommands: readonly AnyCommand[] = [up, down]
