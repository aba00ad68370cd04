import { usageError } from '../base/errors.ts'
import { contextName } from '../base/names.ts'
import type { Target } from '../base/target.ts'
import type { Distribution, Runtime } from './distribution.ts'
import { vanilla } from './vanilla/index.ts'

export const distributions = { Vanilla: vanilla } as const satisfies Record<string, Distribution>

/** The context that a cluster gets; while its provider is not known, that of the first one. */
export const contextOf = ({ distribution, provider, name }: Pick<Target, 'distribution' | 'provider' | 'name'>): string => {
  const table: Readonly<Record<string, Distribution>> = distributions
  return table[distribution]?.on[provider]?.contextOf(name) ?? contextName(distribution, name)
}

/** The runtime of a distribution on a provider; refuses a pair that does not exist. */
export const runtimeOf = (target: Pick<Target, 'distribution' | 'provider'>): Runtime => {
  const table: Readonly<Record<string, Distribution>> = distributions
  const runtime = table[target.distribution]?.on[target.provider]
  if (runtime === undefined) {
    throw usageError(
      `distribution ${target.distribution} does not run on provider ${target.provider}`,
      `choose one of: ${Object.keys(table[target.distribution]?.on ?? {}).join(', ') || Object.keys(table).join(', ')}`,
    )
  }
  return runtime
}
