import { dirname, basename } from 'node:path'
import { configError, KsailError } from '../base/errors.ts'
import type { Context } from '../base/context.ts'
import { expandPlaceholders } from '../base/placeholders.ts'
import { homeFolder } from '../io/folders.ts'
import { at } from './expand.ts'
import type { ClusterDocument } from './load.ts'
import { rows, variableOf, type Config, type Setting, type SettingInputs, type SettingName } from './settings.ts'
import { valueOf } from './values.ts'

export type Origins = Readonly<Record<SettingName, string>>

interface Resolved {
  readonly config: Config
  /** The place that decided, for each setting: `--tag`, `KSAIL_TAG`, `spec.workload.tag in ksail.yaml` or `default`. */
  readonly origin: Origins
}

type Row = Setting & { readonly name: SettingName }
type Answer = { readonly value: unknown; readonly from: string }

const usage = (message: string, hint?: string): KsailError => new KsailError('usage', message, { hint })

const fromFlag = (row: Row, inputs: SettingInputs, { cwd, env }: Context): Answer | undefined => {
  const given = inputs[row.name]
  if (given === undefined || given === null) return undefined
  const from = row.flag === undefined ? row.name : `--${row.flag}`
  const value = valueOf(row, given, { from, base: cwd, home: homeFolder(env), fail: usage })
  return value === undefined ? undefined : { value, from }
}

const fromEnv = (row: Row, { cwd, env }: Context): Answer | undefined => {
  const from = variableOf(row)
  const given = from === undefined ? undefined : env[from]
  if (from === undefined || given === undefined) return undefined
  const value = valueOf(row, given, { from, base: cwd, home: homeFolder(env), fail: usage })
  return value === undefined ? undefined : { value, from }
}

const dig = (value: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>(
    (it, key) => (typeof it === 'object' && it !== null && !Array.isArray(it) ? (it as Record<string, unknown>)[key] : undefined),
    value,
  )

const expandAll = (value: unknown, env: Context['env'], setting: string): unknown => {
  if (typeof value === 'string') return expandPlaceholders(value, env, setting)
  return Array.isArray(value) ? value.map((it) => expandAll(it, env, setting)) : value
}

const fromFile = (row: Row, document: ClusterDocument | undefined, { env }: Context): Answer | undefined => {
  if (document === undefined || row.key === undefined) return undefined
  for (const key of [row.key, ...(row.aliases ?? [])]) {
    const path = key.split('.')
    const given = dig(document.yaml.value, path)
    if (given === undefined || given === null || (row.aliases !== undefined && typeof given === 'object')) continue
    const place = document.yaml.valuePlace(path)
    const value = valueOf(row, row.raw === true ? given : at(place, () => expandAll(given, env, key)), {
      from: key,
      base: dirname(document.file),
      home: homeFolder(env),
      fail: (message, hint) => configError(place, message, hint),
    })
    if (value !== undefined) return { value, from: `${key} in ${basename(document.file)}` }
  }
  return undefined
}

const fromDefault = (row: Row, directory: string, { env }: Context): Answer | undefined => {
  if (row.type === 'list') return { value: [], from: 'default' }
  if (row.default === undefined) return undefined
  return { value: valueOf(row, row.default, { from: 'default', base: directory, home: homeFolder(env), fail: usage }), from: 'default' }
}

/** Every setting from the first place that has it: flag, variable, file, default. Relative paths of the file and of defaults count from the project. */
export const resolveConfig = (inputs: SettingInputs, document: ClusterDocument | undefined, directory: string, ctx: Context): Resolved => {
  const config: Record<string, unknown> = {}
  const origin: Record<string, string> = {}
  for (const row of rows) {
    const answer = fromFlag(row, inputs, ctx) ?? fromEnv(row, ctx) ?? fromFile(row, document, ctx) ?? fromDefault(row, directory, ctx)
    config[row.name] = answer?.value
    origin[row.name] = answer?.from ?? 'default'
  }
  return { config: config as unknown as Config, origin: origin as Origins }
}
