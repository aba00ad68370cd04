import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const root = fileURLToPath(new URL('..', import.meta.url))
const minutes = (count: number): number => count * 60_000

/** Most files wait for programs more than they compute: one for each processor at a time, and two where there is only one. */
const workers = Math.max(2, availableParallelism())

const project = (name: string, folder: string, over: object = {}) => ({
  root,
  test: {
    name,
    include: [`${folder}/**/*.test.ts`],
    setupFiles: ['test/setup.ts'],
    // limits are for what hangs: a loaded machine may take its time
    testTimeout: minutes(1),
    hookTimeout: minutes(1),
    expect: { poll: { timeout: 20_000 } },
    maxWorkers: workers,
    ...over,
  },
})

const clusters = { testTimeout: minutes(10), hookTimeout: minutes(10) }

/** Clusters of kind share one engine: one file after the other. */
const onKind = { ...clusters, maxWorkers: 1, fileParallelism: false }

/** A cluster of processes takes 700 MB; every file has a machine of its own. */
const onHost = { ...clusters, maxWorkers: Math.min(4, workers) }

/** Groups run one after the other: nothing else may take the processors while a cluster of kind is waited for. */
const after = (groupOrder: number) => ({ sequence: { groupOrder } })

/** Real programs on a shared machine: one that fails is run once more, and the report names it as `(retry x1)`. */
const real = { retry: 1 }

const projects = [
  project('unit', 'test/unit'),
  project('cli', 'test/cli', real),
  project('registry', 'test/registry', { testTimeout: minutes(2), hookTimeout: minutes(2), ...real, ...after(1) }),
  project('build', 'test/build', { testTimeout: minutes(10), ...real, ...after(1) }),
  project('host', 'test/host', { ...onHost, ...real, ...after(2) }),
  project('runtimes', 'test/runtimes', { ...onHost, ...real, ...after(2) }),
  project('kind', 'test/e2e', { ...onKind, ...real, ...after(3) }),
  // minutes of killed creates: asked for by name, `npm run test:kill`
  ...(process.env['KSAIL_KILL_ALL'] === '1' ? [project('kill', 'test/kill', { ...onKind, ...after(4) })] : []),
]

export default defineConfig({ root, test: { projects, reporters: ['default'], passWithNoTests: true } })
