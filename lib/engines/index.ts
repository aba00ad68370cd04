import { KsailError } from '../base/errors.ts'
import type { Engine } from './engine.ts'
import { flux } from './flux.ts'
import { none } from './none.ts'

/** Every GitOps engine, by the name that flags and ksail.yaml use. */
export const engines = { None: none, Flux: flux } as const satisfies Record<string, Engine>

export type EngineName = keyof typeof engines

/** The engine of that name. */
export const engineOf = (name: string): Engine => {
  const engine: Engine | undefined = Object.hasOwn(engines, name) ? engines[name as EngineName] : undefined
  if (engine === undefined) throw new KsailError('config', `there is no GitOps engine ${name}`, { hint: `choose one of ${Object.keys(engines).join(', ')}` })
  return engine
}
