import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { topics, waiting } from '../topics/index.ts'
import type { Row } from '../topics/topic.ts'

/** A folder of tables; `npm run vectors -- DIR` names another one. */
const folder = process.env['VECTORS_FOLDER'] ?? fileURLToPath(new URL('../vectors', import.meta.url))

const titleOf = ({ name, tool, stderr }: Row, index: number): string => `${index}: ${name ?? `${tool}: ${stderr}`.slice(0, 100)}`

const rowsOf = (file: string): readonly Row[] => {
  const rows: unknown = JSON.parse(readFileSync(join(folder, file), 'utf8'))
  if (!Array.isArray(rows) || rows.length === 0) throw new Error(`${file} is no array of rows`)
  return rows as readonly Row[]
}

for (const file of readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .toSorted()) {
  const name = file.slice(0, -'.json'.length)
  const topic = Object.hasOwn(topics, name) ? topics[name] : undefined
  describe(name, () => {
    if (topic === undefined && Object.hasOwn(waiting, name)) {
      it.skip(`waits for ${waiting[name]}`)
      return
    }
    let rows: readonly Row[] = []
    try {
      rows = rowsOf(file)
    } catch (error) {
      it('is a table', () => expect.unreachable(String(error)))
    }
    if (topic === undefined) {
      it('has a runner', () => expect.unreachable(`topic ${name} has no runner`))
      return
    }
    for (const [index, row] of rows.entries())
      it(titleOf(row, index), async () => {
        const { got, want } = await topic(row)
        expect(got, `gives ${JSON.stringify(got)}, not ${JSON.stringify(want)}`).toEqual(want)
      })
  })
}
