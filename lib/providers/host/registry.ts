import { rm } from 'node:fs/promises'
import { stringify } from 'yaml'
import { KsailError } from '../../base/errors.ts'
import type { Context } from '../../base/context.ts'
import { exists, writeText } from '../../io/files.ts'
import { refuseBarred } from '../../io/ports.ts'
import { ensureComponent } from './ensure.ts'
import { portsOf } from './ports.ts'
import { endComponents, refind } from './process.ts'
import { patienceOf } from './patience.ts'
import { ensureUnit, inUnit, readFacts, removeUnit, unitOf, writeFacts, type Unit, type UnitFacts } from './unit.ts'

/** Where local registries begin to look for a port. */
export const FIRST_PORT = 5050

/** The registry of a cluster, as a process. */
export interface HostRegistry {
  readonly id: string
  readonly pid: number | undefined
  readonly port: number | undefined
  readonly running: boolean
  readonly owner: UnitFacts['owner']
}

const configOf = (unit: Unit, port: number): string =>
  stringify({
    version: 0.1,
    log: { level: 'warn', accesslog: { disabled: true } },
    storage: {
      filesystem: { rootdirectory: inUnit(unit, 'data', 'registry') },
      delete: { enabled: true },
      cache: { blobdescriptor: 'inmemory' },
    },
    http: { addr: `127.0.0.1:${port}` },
  })

/** The registry process of a cluster, running or not; undefined when it has none. */
export const findHostRegistry = async (ctx: Context, cluster: string): Promise<HostRegistry | undefined> => {
  const unit = unitOf(ctx, cluster, 'registry')
  const facts = await readFacts(unit)
  if (facts === undefined) return undefined
  const port = (await portsOf(unit, 'registry'))?.['registry']
  const pid = await refind(ctx, unit, 'registry')
  return { id: facts.id, pid, port, running: pid !== undefined, owner: facts.owner }
}

export interface EnsureHostRegistry {
  readonly cluster: string
  readonly owner: { readonly id: string; readonly project: string }
  /** Port that the user named: taken is an error. */
  readonly port?: number | undefined
  /** Port that this cluster had before. */
  readonly recorded?: number | undefined
  /** Milliseconds until it must answer. */
  readonly timeout: number
}

/** The registry of a cluster, running and answering. What it held before is kept; `started` is false when it ran already. */
export const ensureHostRegistry = async (
  ctx: Context,
  { cluster, owner, port, recorded, timeout }: EnsureHostRegistry,
): Promise<{ readonly port: number; readonly started: boolean }> => {
  if (port !== undefined) refuseBarred(port)
  const unit = unitOf(ctx, cluster, 'registry')
  const facts = await ensureUnit(unit, { owner: { id: owner.id, project: owner.project } })
  if (facts.owner?.id !== owner.id) await writeFacts(unit, { ...facts, owner: { id: owner.id, project: owner.project } })
  const had = (await portsOf(unit, 'registry'))?.['registry']
  if (port !== undefined && had !== undefined && had !== port) {
    ctx.report({ kind: 'note', text: `the local registry moves from port ${had} to ${port}; its content stays` })
    await endComponents(ctx, unit, ['registry'], 2000)
  }
  const { started, ready } = await ensureComponent(ctx, unit, 'registry', {
    ...patienceOf(ctx, timeout),
    only: port === undefined || had === port ? undefined : port,
    from: recorded ?? FIRST_PORT,
    prepare: ({ registry }) => writeText(inUnit(unit, 'data', 'registry.yml'), configOf(unit, registry as number), 0o600),
  })
  const now = (await ready)['registry'] as number
  if (port !== undefined && now !== port) {
    await endComponents(ctx, unit, ['registry'], 2000)
    throw new KsailError('conflict', `port ${port} of the local registry is taken`, {
      reason: 'port',
      hint: 'free it, name another one, or leave the port away',
    })
  }
  const wanted = recorded ?? had ?? FIRST_PORT
  if (started && port === undefined && now !== wanted)
    ctx.report({ kind: 'note', text: `port ${wanted} is taken, so the local registry listens on ${now}` })
  return { port: now, started }
}

/** Ends the registry of a cluster; what it holds stays. */
export const stopHostRegistry = (ctx: Context, cluster: string): Promise<void> =>
  endComponents(ctx, unitOf(ctx, cluster, 'registry'), ['registry'], 2000)

/** Removes the registry of a cluster; with `keepStorage` what it holds stays for the next one. False when there was none. */
export const removeHostRegistry = async (ctx: Context, cluster: string, keepStorage = false): Promise<boolean> => {
  const unit = unitOf(ctx, cluster, 'registry')
  if (!(await exists(unit.folder))) return false
  await endComponents(ctx, unit, ['registry'], 0)
  if (!keepStorage) await removeUnit(ctx, unit)
  else
    await Promise.all(
      ['bin', 'components', 'log', 'pid', 'secret', 'tmp'].map((name) => rm(inUnit(unit, name), { recursive: true, force: true })),
    )
  return true
}
