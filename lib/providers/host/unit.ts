import { randomBytes } from 'node:crypto'
import { rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { KsailError } from '../../base/errors.ts'
import type { Context } from '../../base/context.ts'
import { makeFolder, readJson, writeJson } from '../../io/files.ts'
import { stateFolder } from '../../io/folders.ts'

/** Processes that belong together, with everything they need in one private folder: the control plane of a cluster, or its registry. */
export interface Unit {
  readonly cluster: string
  readonly folder: string
}

/** What is known of a unit besides its processes. */
export interface UnitFacts {
  /** Random: tells this unit from a later one of the same name. */
  readonly id: string
  /** ISO 8601, UTC. */
  readonly created: string
  /** Number of simulated nodes. */
  readonly workers?: number | undefined
  /** How the Flux controllers run; default: fast. */
  readonly profile?: 'local' | 'stock' | undefined
  /** Whose registry it is: the id of the record, and the folder of the project. */
  readonly owner?: { readonly id: string; readonly project: string } | undefined
}

const rootOf = (ctx: Pick<Context, 'env'>, cluster?: string): string =>
  join(stateFolder(ctx.env), 'host', ...(cluster === undefined ? [] : [cluster]))

export const unitOf = (ctx: Pick<Context, 'env'>, cluster: string, kind: 'control-plane' | 'registry'): Unit => {
  if (!/^[\w.-]+$/.test(cluster) || cluster.startsWith('.')) throw new KsailError('usage', `"${cluster}" is no cluster name`)
  return { cluster, folder: join(rootOf(ctx, cluster), kind) }
}

const factsPath = (unit: Unit): string => join(unit.folder, 'unit.json')

/** undefined when there is no such unit. */
export const readFacts = (unit: Unit): Promise<UnitFacts | undefined> => readJson<UnitFacts>(factsPath(unit))

export const writeFacts = (unit: Unit, facts: UnitFacts): Promise<void> => writeJson(factsPath(unit), facts, 0o600)

/** Makes the folder of a unit, which only this user can enter, unless it is there. */
export const ensureUnit = async (unit: Unit, more: Omit<UnitFacts, 'id' | 'created'> = {}): Promise<UnitFacts> => {
  await makeFolder(unit.folder, 0o700)
  for (const name of ['bin', 'components', 'data', 'log', 'pid', 'secret', 'tmp']) await makeFolder(join(unit.folder, name), 0o700)
  const known = await readFacts(unit)
  if (known !== undefined) return known
  const facts = { id: randomBytes(8).toString('hex'), created: new Date().toISOString(), ...more }
  await writeFacts(unit, facts)
  return facts
}

/** Removes the folder of a unit whose processes have ended, and the folders above it that are empty then. */
export const removeUnit = async (ctx: Pick<Context, 'env'>, unit: Unit): Promise<void> => {
  // a process that was ended a moment ago may still have had a file to write
  await rm(unit.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
  for (const folder of [rootOf(ctx, unit.cluster), rootOf(ctx)])
    await rmdir(folder).catch((error: NodeJS.ErrnoException) => {
      // another unit is in it, or was removed in the same moment
      if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(error.code ?? '')) throw error
    })
}

/** Where the parts of a unit are. */
export const inUnit = (unit: Unit, ...parts: readonly string[]): string => join(unit.folder, ...parts)
