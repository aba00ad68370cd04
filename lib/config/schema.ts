import { rows, type Setting } from './settings.ts'

/** A JSON schema, as plain data. */
export interface Schema {
  readonly [key: string]: unknown
  properties?: Record<string, Schema>
}

const PLACEHOLDER = { type: 'string', pattern: '\\$\\{[A-Za-z_]' } as const

const typeOf = ({ type, choices, least }: Setting): Schema => {
  switch (type) {
    case 'enum': {
      const words = { type: 'string', enum: choices }
      return choices?.includes('true') === true ? { anyOf: [words, { type: 'boolean' }, PLACEHOLDER] } : { anyOf: [words, PLACEHOLDER] }
    }
    case 'number':
      return { anyOf: [{ type: 'integer', minimum: least ?? 0 }, PLACEHOLDER] }
    case 'boolean':
      return { anyOf: [{ type: 'boolean' }, PLACEHOLDER] }
    case 'duration':
      return { anyOf: [{ type: 'string', pattern: '^(\\d+(\\.\\d+)?(ns|us|µs|ms|s|m|h))+$' }, PLACEHOLDER] }
    case 'list':
      return { type: 'array', items: { type: 'string' } }
    default:
      return { type: 'string' }
  }
}

const map = (properties: Record<string, Schema>, over: Schema = {}): Schema => ({
  type: 'object',
  ...over,
  additionalProperties: false,
  properties,
})

const put = (schema: Schema, path: readonly string[], leaf: Schema): void => {
  const properties = schema.properties!
  const [name, ...rest] = path as [string, ...string[]]
  if (rest.length === 0) {
    properties[name] = leaf
    return
  }
  put((properties[name] ??= map({})), rest, leaf)
}

/** The JSON schema of ksail.yaml, made of the rows: editors offer and check what the tool knows. */
export const configSchema = (): Schema => {
  const schema = map(
    {
      apiVersion: { const: 'ksail.io/v1alpha1' },
      kind: { const: 'Cluster' },
      metadata: map({ name: { type: 'string', description: 'name of the cluster' } }),
    },
    { $schema: 'https://json-schema.org/draft/2020-12/schema', title: 'ksail.yaml', description: 'One cluster of a project' },
  )
  for (const row of rows) {
    if (row.key === undefined) continue
    const description = `${row.summary}${row.idle === true ? ' (no effect in this version)' : ''}`
    const leaf: Schema = { description, ...(row.default === undefined ? {} : { default: row.default }), ...typeOf(row) }
    const inside = row.aliases?.find((alias) => alias.startsWith(`${row.key}.`))?.slice(row.key.length + 1)
    put(
      schema,
      row.key.split('.'),
      inside === undefined ? leaf : { description: row.summary, anyOf: [typeOf(row), map({ [inside]: typeOf(row) })] },
    )
  }
  return schema
}
