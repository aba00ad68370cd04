import { artifactTopics } from './artifact.ts'
import { baseTopics } from './base.ts'
import { configTopics } from './config.ts'
import { fluxTopics } from './flux.ts'
import { registryTopics } from './registry.ts'
import type { Topic } from './topic.ts'

/** Every topic that runs, by the name of its table. */
export const topics: Readonly<Record<string, Topic>> = {
  ...baseTopics,
  ...configTopics,
  ...registryTopics,
  ...artifactTopics,
  ...fluxTopics,
}

/** Topics whose feature is not there, and what they wait for. */
export const waiting: Readonly<Record<string, string>> = {
  'watch-events': 'workload watch',
  'watch-match': 'workload watch',
  'watch-scope': 'workload watch',
  'age-keys': 'cipher',
  'sops-secret': 'cipher',
  'mirror-spec': 'registry mirrors',
}
