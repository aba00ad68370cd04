import type { Distribution } from '../distribution.ts'
import { vanillaOnDocker } from './docker.ts'

export const vanilla: Distribution = { summary: 'upstream Kubernetes', on: { Docker: vanillaOnDocker } }
