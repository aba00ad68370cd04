import { lstatSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ksail } from '../cli/run.ts'
import { output } from '../bed/programs.ts'
import { outside, type Outside } from '../fakes/outside.ts'
import { LOGIN, registryProgram, startRegistry } from '../fakes/registry.ts'
import { configMap, describeOnHost, filesBelow, processesOf } from './bed.ts'

const AUTH = Buffer.from(`${LOGIN.username}:${LOGIN.password}`).toString('base64')

/** The world is behind a proxy, with certificates of an authority of its own; only `docker login` knows the password. */
describeOnHost(
  'a cluster whose registry is ghcr.io',
  () => {
    const root = realpathSync(mkdtempSync(join(tmpdir(), 'ksail-external-')))
    const project = join(root, 'away')
    const state = join(root, 'state')
    let registry: Awaited<ReturnType<typeof startRegistry>>
    let world: Outside

    const run = (...words: readonly string[]) =>
      ksail(words, {
        cwd: project,
        env: {
          ...world.env,
          DOCKER_HOST: 'unix:///nowhere/docker.sock',
          DOCKER_CONFIG: join(root, 'docker'),
          XDG_STATE_HOME: state,
          KUBECONFIG: join(root, 'kubeconfig'),
        },
      })
    const ok = async (...words: readonly string[]): Promise<{ readonly stdout: string; readonly stderr: string }> => {
      const { status, stdout, stderr } = await run(...words)
      expect({ status, stderr }).toMatchObject({ status: 0 })
      return { stdout, stderr }
    }
    const get = (...words: readonly string[]): Promise<string> =>
      output('kubectl', '--kubeconfig', join(root, 'kubeconfig'), '--context', 'ksail-away', 'get', ...words)

    beforeAll(async () => {
      registry = await startRegistry(registryProgram() ?? '', join(root, 'registry'), { login: true })
      world = await outside(registry.host)
      for (const folder of ['docker', 'away/k8s']) mkdirSync(join(root, folder), { recursive: true })
      writeFileSync(join(root, 'docker', 'config.json'), JSON.stringify({ auths: { 'ghcr.io': { auth: AUTH } } }))
      writeFileSync(join(project, 'ksail.yaml'), 'spec: {cluster: {gitOpsEngine: Flux, localRegistry: ghcr.io/org/app}}\n')
      writeFileSync(join(project, 'k8s', 'kustomization.yaml'), 'resources: [a.yaml]\n')
    })
    afterAll(async () => {
      await run('cluster', 'delete', '--name', 'away', '--yes')
      const left = processesOf('away', state)
      for (const pid of Object.values(left)) process.kill(pid, 'SIGKILL')
      await world.close()
      await registry.stop()
      rmSync(root, { recursive: true, force: true })
      expect(left).toEqual({})
    })

    it('is made, pulls and follows with docker login alone', async () => {
      await ok('cluster', 'delete', '--yes')
      writeFileSync(join(project, 'k8s', 'a.yaml'), configMap('a', 'one'))
      await ok('cluster', 'create')
      expect(await get('configmap', 'a', '-n', 'default', '-o', 'jsonpath={.data.value}')).toBe('one')
      expect(await get('ocirepository', 'flux-system', '-n', 'flux-system', '-o', 'jsonpath={.spec.url} {.spec.secretRef.name}')).toBe(
        'oci://ghcr.io/org/app ksail-registry-credentials',
      )
      expect(new Set(world.connects)).toEqual(new Set(['ghcr.io:443']))
      expect(Object.keys(processesOf('away', state))).not.toContain('registry')

      writeFileSync(join(project, 'k8s', 'a.yaml'), configMap('a', 'two'))
      const { stdout } = await ok('workload', 'push', '--reconcile')
      expect(stdout).toMatch(/^oci:\/\/ghcr\.io\/org\/app:dev@sha256:/)
      expect(await get('configmap', 'a', '-n', 'default', '-o', 'jsonpath={.data.value}')).toBe('two')
    })

    it('leaves the password in the cluster and nowhere else', async () => {
      for (const pid of Object.values(processesOf('away', state)))
        for (const file of ['cmdline', 'environ']) expect(readFileSync(`/proc/${pid}/${file}`, 'utf8')).not.toContain(LOGIN.password)
      const files = [...filesBelow(project), ...filesBelow(state)].filter((path) => !path.includes('/data/etcd/'))
      const words = [LOGIN.password, AUTH]
      for (const path of files.filter((it) => lstatSync(it).isFile())) {
        const text = readFileSync(path, 'latin1')
        expect(
          words.filter((word) => text.includes(word)),
          path,
        ).toEqual([])
      }
    })
  },
  ['registry'],
)
