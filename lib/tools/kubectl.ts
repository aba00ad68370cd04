import type { Tool } from '../base/tool.ts'

export const tool: Tool = {
  name: 'kubectl',
  summary: 'talks to clusters',
  accepts: '>=1.33 <2',
  version: ['version', '--client'],
  home: 'https://kubernetes.io/docs/tasks/tools/',
  failures: [
    { match: /connection refused|Unable to connect to the server|i\/o timeout|no such host|TLS handshake timeout/i, code: 'unreachable', message: 'the cluster does not answer', hint: 'run ksail cluster info to see what is down, ksail cluster start to start it' },
    { match: /context .* does not exist|no context exists/i, code: 'unreachable', hint: 'run ksail cluster create, or pass --context' },
  ],
}
