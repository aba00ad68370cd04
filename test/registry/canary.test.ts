import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createContext } from '../../lib/context.ts'
import type { Event } from '../../lib/base/events.ts'
import { push } from '../../lib/workload/push.ts'
import { ksail } from '../cli/run.ts'
import { filesWith, formsOf, watchProcesses } from '../fakes/canary.ts'
import { tempFolder } from '../fakes/context.ts'
import { fakeKube } from '../fakes/kube.ts'
import { serveKube } from '../fakes/kube-server.ts'
import { outside, type Outside } from '../fakes/outside.ts'
import { LOGIN, registryProgram, startRegistry } from '../fakes/registry.ts'
import { hasTools } from '../needs.ts'

const program = registryProgram()
const HOST = 'registry.example.com'
const auth = Buffer.from(`${LOGIN.username}:${LOGIN.password}`).toString('base64')
const forms = formsOf(LOGIN)
const shows = (text: string): boolean => forms.some((form) => text.includes(form))

interface Way {
  readonly name: string
  /** Words after `workload push`. */
  readonly words: readonly string[]
  readonly env?: Record<string, string> | undefined
  /** config.json of Docker. */
  readonly docker?: object | undefined
  readonly settings?: string | undefined
}

const REFERENCE = `oci://${HOST}/app:dev`
const PARTS = { REG_USER: LOGIN.username, REG_PASS: LOGIN.password }
const placeholders = `\${REG_USER}:\${REG_PASS}@${HOST}/app`

const ways: readonly Way[] = [
  { name: 'a variable', words: [], env: { KSAIL_REGISTRY: `${LOGIN.username}:${LOGIN.password}@${HOST}/app` } },
  { name: 'a flag with placeholders', words: ['--registry', placeholders], env: PARTS },
  { name: 'ksail.yaml with placeholders', words: [], env: PARTS, settings: `spec: {cluster: {localRegistry: "${placeholders}"}}\n` },
  { name: 'docker login', words: [REFERENCE], docker: { auths: { [HOST]: { auth } } } },
  { name: 'a credential helper of the host', words: [REFERENCE], docker: { credHelpers: { [HOST]: 'canary' } } },
  { name: 'a credential store', words: [REFERENCE], docker: { credsStore: 'canary' } },
]

const manifest = (at: number): string => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {at: "${at}"}\n`

describe.skipIf((program === undefined && process.env['KSAIL_E2E'] !== '1') || !hasTools('oras') || process.platform !== 'linux')(
  'a secret is seen nowhere',
  () => {
    let registry: Awaited<ReturnType<typeof startRegistry>>
    let world: Outside
    let version = 0

    beforeAll(async () => {
      registry = await startRegistry(program ?? '', join(tempFolder(), 'registry'), { login: true })
      world = await outside(registry.host)
    })
    afterAll(async () => {
      await world?.close()
      await registry?.stop()
    })

    /** A project, and beside it the folders that a run may write to; those that hold the login stand apart. */
    const place = ({ docker, settings }: Pick<Way, 'docker' | 'settings'>) => {
      const open = tempFolder()
      const closed = tempFolder()
      for (const path of ['project/k8s', 'state', 'tmp', 'home']) mkdirSync(join(open, path), { recursive: true })
      for (const path of ['docker', 'bin']) mkdirSync(join(closed, path))
      writeFileSync(join(open, 'project', 'ksail.yaml'), `metadata: {name: dev}\n${settings ?? ''}`)
      writeFileSync(join(closed, 'docker', 'config.json'), JSON.stringify(docker ?? {}))
      writeFileSync(join(closed, 'answer.json'), JSON.stringify({ Username: LOGIN.username, Secret: LOGIN.password }))
      const helper = join(closed, 'bin', 'docker-credential-canary')
      writeFileSync(helper, `#!/bin/sh\ncat >/dev/null\nexec cat '${join(closed, 'answer.json')}'\n`)
      chmodSync(helper, 0o755)
      const env = {
        ...world.env,
        PATH: [join(closed, 'bin'), process.env['PATH']].join(delimiter),
        DOCKER_CONFIG: join(closed, 'docker'),
        HOME: join(open, 'home'),
        TMPDIR: join(open, 'tmp'),
        XDG_STATE_HOME: join(open, 'state'),
        KSAIL_PUSH_ATTEMPTS: '1',
      }
      const edit = (): void => writeFileSync(join(open, 'project', 'k8s', 'a.yaml'), manifest(++version))
      edit()
      return { open, env, edit, project: join(open, 'project') }
    }

    it('would be seen: a word of a child, and a file', async () => {
      // not the login: another run of these tests on this machine must not see it
      const word = `canary-of-${process.pid}`
      const watch = watchProcesses()
      const child = spawn('sh', ['-c', 'cat; exit', word], { stdio: ['pipe', 'ignore', 'ignore'] })
      await expect.poll(() => [...watch.seen].some((line) => line.includes(word))).toBe(true)
      child.kill('SIGKILL')
      await watch.stop()
      const folder = tempFolder()
      mkdirSync(join(folder, 'a'))
      writeFileSync(join(folder, 'a', 'b.json'), `{"auth":"${auth}"}`)
      expect(filesWith(folder, forms)).toEqual([join(folder, 'a', 'b.json')])
    })

    it.each(ways)('that comes from $name', async ({ name, words, env = {}, docker, settings }) => {
      const here = place({ docker, settings })
      const watch = watchProcesses()
      // a fast machine has an oras come and go between two looks
      world.onAsk(watch.look)
      const run = (...more: readonly string[]) =>
        ksail(['workload', 'push', ...words, ...more], { cwd: here.project, env: { ...here.env, ...env } })
      const made = await run('-vv', '-o', 'json')
      here.edit()
      world.denyUploads(true)
      // each form of speech once: how it fails does not depend on where the login came from
      const refused = name === ways[0]?.name ? await run('-vv') : await run('-vv', '-o', 'json')
      world.denyUploads(false)
      await watch.stop()

      expect([made.status, refused.status], made.stderr).toEqual([0, 1])
      // the registry knew who it was, and repeated it in its refusal: the run had something to hide
      expect(world.asked.some(({ login }) => login === `${LOGIN.username}:${LOGIN.password}`)).toBe(true)
      expect(refused.stderr).toMatch(/write_package for Basic \*{4} \(octo:\*{4}\)/)
      for (const { stdout, stderr } of [made, refused]) expect(`${stdout}\n${stderr}`).not.toSatisfy(shows)
      expect([...watch.seen].some((line) => /\boras (cp|resolve) /.test(line))).toBe(true)
      expect([...watch.seen].filter(shows)).toEqual([])
      expect(filesWith(here.open, forms)).toEqual([])
    })

    it('that a copy needs on both sides', async () => {
      const here = place({ docker: { auths: { [HOST]: { auth } }, credHelpers: { 'ghcr.io': 'canary' } } })
      const run = (...words: readonly string[]) => ksail(['workload', ...words, '-vv', '-o', 'json'], { cwd: here.project, env: here.env })
      const pushed = await run('push', REFERENCE)
      const watch = watchProcesses()
      const made = await run('promote', REFERENCE, 'oci://ghcr.io/org/copy:v1')
      world.denyUploads(true)
      const refused = await run('promote', REFERENCE, 'oci://ghcr.io/org/other:v1')
      world.denyUploads(false)
      await watch.stop()

      const all = [pushed, made, refused]
      expect(
        all.map(({ status }) => status),
        made.stderr,
      ).toEqual([0, 0, 1])
      expect(refused.stderr).toContain('****')
      for (const { stdout, stderr } of all) expect(`${stdout}\n${stderr}`).not.toSatisfy(shows)
      expect([...watch.seen].filter(shows)).toEqual([])
      expect(filesWith(here.open, forms)).toEqual([])
    })

    it('that comes from the pull secret of the cluster', async () => {
      const here = place({})
      const meta = (name: string) => ({ metadata: { name, namespace: 'flux-system' } })
      const spec = { url: `oci://${HOST}/app`, ref: { tag: 'dev' }, secretRef: { name: 'mine' } }
      const data = { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths: { [HOST]: { auth } } })).toString('base64') }
      const kube = fakeKube({ apiVersion: 'source.toolkit.fluxcd.io/v1', kind: 'OCIRepository', ...meta('flux-system'), spec }, {
        apiVersion: 'v1',
        kind: 'Secret',
        ...meta('mine'),
        data,
      } as never)
      writeFileSync(join(here.open, 'kubeconfig'), 'contexts: [{name: kind-dev}]\n')
      const events: Event[] = []
      const ctx = createContext({
        cwd: here.project,
        env: { ...process.env, ...here.env, KUBECONFIG: join(here.open, 'kubeconfig') },
        report: (event) => void events.push(event),
        spawn: serveKube(kube),
      })
      const watch = watchProcesses()
      const result = await push({}, ctx)
      here.edit()
      world.denyUploads(true)
      const error: unknown = await push({}, ctx).catch((it: unknown) => it)
      world.denyUploads(false)
      await watch.stop()

      expect(result).toMatchObject({ changed: true, registryFrom: 'cluster:OCIRepository', repository: `${HOST}/app` })
      expect(error).toMatchObject({ exitCode: 1, message: expect.stringContaining('****') })
      expect(JSON.stringify([result, events, error, (error as Error).message, (error as Error).stack])).not.toSatisfy(shows)
      expect([...watch.seen].filter(shows)).toEqual([])
      expect(filesWith(here.open, forms)).toEqual([])
    })
  },
)
