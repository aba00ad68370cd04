import type { Tool } from '../base/tool.ts'
import { tool as docker } from './docker.ts'
import { tool as flux } from './flux.ts'
import { tool as kind } from './kind.ts'
import { tool as kubectl } from './kubectl.ts'
import { tool as oras } from './oras.ts'
import { programs } from './programs.ts'

/** Every program that ksail composes. */
export const tools = { docker, flux, kind, kubectl, oras, ...programs } as const satisfies Record<string, Tool>

export type ToolName = keyof typeof tools
