import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const root = fileURLToPath(new URL('..', import.meta.url))
const minutes = (count: number): number => count * 60_000

const project = (name: string, folder: string, over: object = {}) => ({
  root,
  test: { name, include: [`${folder}/**/*.test.ts`], setupFiles: ['test/setup.ts'], testTimeout: 15_000, hookTimeout: 15_000, ...over },
})

/** Real clusters share one engine: one file after the other. */
const clusters = { fileParallelism: false, testTimeout: minutes(10), hookTimeout: minutes(10) }

/** Groups run one after the other: nothing else may take the processors while a cluster is measured or waited for. */
const after = (groupOrder: number) => ({ sequence: { groupOrder } })

/** Real programs on a shared machine: one that fails is run once more, and the report names it as `(retry x1)`. */
const real = { retry: 1 }

const projects = [
  project('unit', 'test/unit'),
  project('cli', 'test/cli', { testTimeout: 30_000, ...real }),
  project('registry', 'test/registry', { testTimeout: minutes(2), hookTimeout: minutes(2), ...real, ...after(1) }),
  project('host', 'test/host', { ...clusters, ...real, ...after(2) }),
  project('kind', 'test/e2e', { ...clusters, ...real, ...after(3) }),
  // a quarter of an hour of killed creates: asked for by name, `npm run test:kill`
  ...(process.env['KSAIL_KILL_ALL'] === '1' ? [project('kill', 'test/kill', { ...clusters, ...after(4) })] : []),
]

export default defineConfig({ root, test: { projects, reporters: ['default'], passWithNoTests: true } })
