import type { Tool } from '../base/tool.ts'

export const tool: Tool = {
  name: 'oras',
  summary: 'moves OCI artifacts',
  accepts: '>=1.3 <2',
  version: ['version'],
  home: 'https://oras.land',
}
