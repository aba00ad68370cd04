import type { Distribution } from '../distribution.ts'
import { vanillaOnDocker } from './docker.ts'
import { vanillaOnHost } from './host.ts'

export const vanilla: Distribution = { summary: 'upstream Kubernetes', on: { Docker: vanillaOnDocker, Host: vanillaOnHost } }
