import { spawn } from 'node:child_process'
import { chmodSync, chownSync, cpSync, linkSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { KSAIL } from '../bed/programs.ts'
import { configMap, describeOnHost, processesOf, programPath, PROGRAMS } from './bed.ts'

/** A user of the machine without any right. */
const NOBODY = 65_534

const isRoot = process.getuid?.() === 0

describe.skipIf(!isRoot)('as somebody without privileges', () => {
  describeOnHost('a cluster', () => {
    it('comes up, takes a change and goes', async () => {
      // below the temporary folder of the machine: the one of the tests is for their own user alone
      const root = realpathSync(mkdtempSync('/tmp/ksail-user-'))
      chmodSync(root, 0o755)
      const bin = join(root, 'bin')
      mkdirSync(bin)
      for (const name of PROGRAMS) {
        const from = programPath(name)
        try {
          linkSync(from, join(bin, name))
        } catch {
          cpSync(from, join(bin, name))
        }
        chmodSync(join(bin, name), 0o755)
      }
      const package_ = dirname(dirname(dirname(KSAIL)))
      for (const name of ['dist', 'templates', 'package.json', 'node_modules'])
        cpSync(join(package_, name), join(root, 'ksail', name), { recursive: true, dereference: false })
      const home = join(root, 'home')
      const project = join(home, 'dev')
      mkdirSync(project, { recursive: true })
      for (const folder of [home, project]) chownSync(folder, NOBODY, NOBODY)
      const env = { HOME: home, PATH: `${bin}:/usr/bin:/bin`, DOCKER_HOST: 'unix:///nowhere/docker.sock', TMPDIR: home }
      const run = (file: string, ...args: readonly string[]): Promise<{ code: number | null; text: string }> =>
        new Promise((resolve, reject) => {
          const child = spawn(file, args, { cwd: project, env, uid: NOBODY, gid: NOBODY, stdio: ['ignore', 'pipe', 'pipe'] })
          let text = ''
          for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()))
          child.once('error', reject)
          child.once('exit', (code) => resolve({ code, text }))
        })
      const ksail = (...args: readonly string[]) => run(process.execPath, join(root, 'ksail', 'dist', 'bin', 'ksail.js'), ...args)
      const ok = async (...args: readonly string[]): Promise<void> => {
        const { code, text } = await ksail(...args)
        expect(code, text).toBe(0)
      }
      const state = join(home, '.local', 'state')
      try {
        await ok('cluster', 'init', '--name', 'dev', '--distribution', 'Vanilla', '--gitops-engine', 'Flux')
        await ok('cluster', 'create')
        writeFileSync(join(project, 'k8s', 'a.yaml'), configMap('a', 'mine'))
        writeFileSync(join(project, 'k8s', 'kustomization.yaml'), 'resources: [a.yaml]\n')
        await ok('workload', 'push')
        await ok('workload', 'reconcile')
        expect((await run(join(bin, 'kubectl'), 'get', 'configmap', 'a', '-o', 'jsonpath={.data.value}')).text).toBe('mine')
        await ok('down')
        expect(processesOf('dev', state)).toEqual({})
      } finally {
        for (const pid of Object.values(processesOf('dev', state))) process.kill(pid, 'SIGKILL')
        rmSync(root, { recursive: true, force: true })
      }
    })
  })
})
