import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { configSchema } from '../../../lib/config/schema.ts'
import { flagsOf, rows, settings, variableOf } from '../../../lib/config/settings.ts'

const validate = new Ajv2020({ allowUnionTypes: true, strict: false }).compile(configSchema())
const document = (spec: object) => ({ apiVersion: 'ksail.io/v1alpha1', kind: 'Cluster', metadata: { name: 'dev' }, spec })

it.each([
  { cluster: { gitOpsEngine: 'Flux', workers: 2, localRegistry: 'localhost:5050', sops: { enabled: true } } },
  { cluster: { localRegistry: { registry: 'ghcr.io/o/r' }, connection: { timeout: '1h30m' }, workers: '${WORKERS:-1}' } },
  { workload: { alsoTags: ['a'], validateOnPush: false } },
])('accepts %j', (spec) => expect(validate(document(spec)), JSON.stringify(validate.errors)).toBe(true))

it.each([
  { cluster: { gitopsEngine: 'Flux' } },
  { cluster: { workers: -1 } },
  { cluster: { gitOpsEngine: 'Fluxx' } },
  { workload: { tags: 'x' } },
  { cluster: { connection: { timeout: 'soon' } } },
])('rejects %j', (spec) => expect(validate(document(spec))).toBe(false))

describe('settings', () => {
  it('have different flags, short flags, keys', () => {
    for (const of of ['flag', 'short', 'key'] as const) {
      const all = rows.flatMap((row) => (row[of] === undefined ? [] : [row[of]]))
      expect(new Set(all).size).toBe(all.length)
    }
  })

  it('are flags under their own names', () => {
    expect(flagsOf(settings.engine, settings.workers, settings.alsoTags)).toMatchObject({
      engine: { flag: 'gitops-engine', type: 'string', choices: ['None', 'Flux'], short: 'g' },
      workers: { type: 'number', flag: 'workers' },
      alsoTags: { type: 'list', flag: 'also-tag', variable: 'KSAIL_ALSO_TAG' },
    })
    expect(variableOf(settings.nodeImage)).toBe('KSAIL_NODE_IMAGE')
  })
})
