import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { KSAIL, run, start, type Run } from '../bed/programs.ts'
import { configMap, describeOnHost, hostProject, processesOf } from '../host/bed.ts'

const ROOT = join(KSAIL, '..', '..', '..')

/** The package as npm installs it: what was packed, and what it depends on beside it. */
const install = (folder: string): void => {
  const modules = join(folder, 'node_modules')
  mkdirSync(modules)
  const [{ filename }] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], { cwd: ROOT, encoding: 'utf8' }),
  ) as [{ filename: string }]
  execFileSync('tar', ['-xzf', join(folder, filename), '-C', folder])
  renameSync(join(folder, 'package'), join(modules, 'ksail'))
  for (const name of readdirSync(join(ROOT, 'node_modules')))
    if (!name.startsWith('.')) symlinkSync(join(ROOT, 'node_modules', name), join(modules, name))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module', dependencies: { ksail: '*' } }))
}

interface Runtime {
  /** Below test/runtimes/node_modules. */
  readonly file: string
  /** How it is told to run a file. */
  readonly words: readonly string[]
}

/** Programs that are started may do everything, so that fewer permissions would protect nothing. */
const RUNTIMES: Readonly<Record<string, Runtime>> = {
  bun: { file: '.bin/bun', words: ['run'] },
  deno: { file: '.bin/deno', words: ['run', '--allow-all'] },
  node22: { file: 'node22/bin/node', words: [] },
  node24: { file: 'node24/bin/node', words: [] },
}

for (const [name, { file, words }] of Object.entries(RUNTIMES)) {
  const runtime = join(import.meta.dirname, 'node_modules', file)
  const isHere = existsSync(runtime)
  if (!isHere) console.warn(`ksail on ${name}: skipped, it is not here (npm ci --prefix test/runtimes)`)
  const title = `ksail on ${name}${isHere ? '' : ' (skipped: npm ci --prefix test/runtimes gets it)'}`
  describe.skipIf(!isHere)(title, () =>
    describeOnHost('with Host', () => {
      const project = hostProject(`on-${name}`)
      const options = { cwd: project.folder, env: { DOCKER_HOST: 'unix:///nowhere/docker.sock' } }
      const ksail = (...args: readonly string[]): Promise<Run> => run(runtime, [...words, KSAIL, ...args], options)
      const ok = async (...args: readonly string[]): Promise<Run> => {
        const result = await ksail(...args)
        expect(result, result.stderr).toMatchObject({ code: 0 })
        return result
      }
      beforeAll(() => install(project.folder))
      afterAll(() => project.remove())

      it('goes from an empty folder to a live change', async () => {
        await ok('up')
        project.put({ 'a.yaml': configMap('a', 'one') })
        const { stdout } = await ok('workload', 'push')
        expect(stdout).toMatch(/^oci:\/\/127\.0\.0\.1:\d+\/k8s:dev@sha256:[0-9a-f]{64}\n$/)
        await ok('workload', 'reconcile')
        expect(await project.value('a')).toBe('one')
      })

      it('packs the same bytes as Node does', async () => {
        const here = await ok('workload', 'push', '-o', 'json')
        const there = await project.ok('workload', 'push', '-o', 'json')
        const [ours, onNode] = [here, there].map(({ stdout }) => JSON.parse(stdout) as { ms: number })
        expect({ ...ours, ms: 0 }).toEqual({ ...onNode, ms: 0 })
      })

      it('is a library', async () => {
        project.put({ 'a.yaml': configMap('a', 'two') })
        const script = join(project.folder, 'script.mjs')
        writeFileSync(
          script,
          `import { KsailError, push, reconcile } from 'ksail'
const { digest } = await push()
const live = await reconcile({ digest, timeout: '1m' })
const refused = await push({ path: 'nowhere' }).then(() => undefined, (error) => error)
console.log(JSON.stringify([digest === live.digest, refused instanceof KsailError, refused.code]))
`,
        )
        const result = await run(runtime, [...words, script], options)
        expect(result, result.stderr).toMatchObject({ code: 0, stdout: '[true,true,"usage"]\n' })
        expect(await project.value('a')).toBe('two')
      })

      it('says status 130 when it is interrupted, and 2 to what it does not know', async () => {
        expect(await ksail('workload', 'push', '--no-such-flag')).toMatchObject({ code: 2, stdout: '' })
        const waiting = start(runtime, [...words, KSAIL, 'workload', 'reconcile', '--digest', `sha256:${'0'.repeat(64)}`], options)
        await waiting.line(/reconciling/)
        waiting.child.kill('SIGINT')
        expect(await waiting.done).toMatchObject({ code: 130, stdout: '' })
      })

      it('takes everything down', async () => {
        await ok('down')
        expect(processesOf(project.name)).toEqual({})
      })
    }),
  )
}
