import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Pins } from '../../lib/tools/install/pins.ts'
import { output, run, type Run } from '../bed/programs.ts'
import { outside } from '../fakes/outside.ts'
import { configMap, describeOnHost, processesOf } from './bed.ts'
import { installedCopy, releaseSite, type ReleaseSite } from './release-site.ts'

const BY_DOWNLOAD = ['etcd', 'kube-apiserver', 'registry', 'kubectl', 'oras', 'flux', 'kwok']
const BY_IMAGE = ['kube-controller-manager', 'kube-scheduler', 'source-controller', 'kustomize-controller']
const TOOLS = [...BY_DOWNLOAD, ...BY_IMAGE]
const CA = fileURLToPath(new URL('../fixtures/tls/ca.pem', import.meta.url))
/** A name that the certificate of the tests knows. */
const SITE = 'other.example.com'

interface Machine {
  readonly ksail: (...args: readonly string[]) => Promise<Run>
  readonly project: string
  readonly kubeconfig: string
  readonly cache: string
  readonly processes: () => Readonly<Record<string, number>>
}

/** A user without any program but Node, and with an empty cache. */
const machine = (name: string, program: string, env: Readonly<Record<string, string>> = {}): Machine => {
  const home = realpathSync(mkdtempSync(join(tmpdir(), 'm-')))
  const [project, path, state, cache] = [name, 'bin', 'state', 'cache'].map((it) => join(home, it)) as [string, string, string, string]
  for (const folder of [project, path]) mkdirSync(folder)
  symlinkSync(process.execPath, join(path, 'node'))
  const kubeconfig = join(home, 'kubeconfig')
  const own = {
    HOME: home,
    PATH: path,
    XDG_STATE_HOME: state,
    XDG_CACHE_HOME: cache,
    KUBECONFIG: kubeconfig,
    DOCKER_HOST: 'unix:///nowhere/docker.sock',
    ...env,
  }
  return {
    ksail: (...args) => run('node', [program, ...args], { cwd: project, env: own }),
    project,
    kubeconfig,
    cache: join(cache, 'ksail', 'tools', 'v1'),
    processes: () => processesOf(name, state),
  }
}

const receiptsOf = ({ cache }: Machine): Readonly<Record<string, string>> =>
  Object.fromEntries(
    readdirSync(cache)
      .filter((tool) => !tool.startsWith('.'))
      .map((tool) => {
        const path = readdirSync(join(cache, tool), { recursive: true, encoding: 'utf8' }).find((it) => it.endsWith('receipt.json'))
        return [tool, (JSON.parse(readFileSync(join(cache, tool, path ?? ''), 'utf8')) as { source: string }).source]
      }),
  )

describeOnHost(
  'a machine with release sites and without Go',
  () => {
    let site: ReleaseSite
    let pins: Pins
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'releases-')))
    const users: Machine[] = []
    const user = (...given: Parameters<typeof machine>): Machine => {
      const made = machine(...given)
      users.push(made)
      return made
    }

    beforeAll(async () => {
      site = await releaseSite(join(folder, 'site'), TOOLS)
      pins = site.pins(`http://${site.host}`, site.host)
    })
    afterAll(async () => {
      for (const { processes } of users) for (const pid of Object.values(processes())) process.kill(pid, 'SIGKILL')
      await site?.close()
    })

    it('has a live cluster after up from an empty folder, and nothing of it after down', async () => {
      const name = 'dl-up'
      site.asked.length = 0
      const { ksail, project, kubeconfig, processes, ...me } = user(name, installedCopy(mkdtempSync(join(folder, 'direct-')), pins))
      const archive = new URL(pins['etcd']?.platforms[`${process.platform}-${process.arch}`]?.url ?? '').pathname
      site.breakOnce(archive)

      const dry = await ksail('up', '--workers', '1', '--dry-run')
      expect(dry, dry.stderr).toMatchObject({ code: 0 })
      for (const tool of TOOLS) expect(dry.stderr).toMatch(new RegExp(`^  ${tool} [\\d.]+ would be downloaded first, from \\S+$`, 'm'))
      expect(site.asked).toEqual([])
      expect(existsSync(me.cache)).toBe(false)

      const up = await ksail('up', '--workers', '1')
      expect(up, up.stderr).toMatchObject({ code: 0 })
      expect(up.stderr).toMatch(/\n {2}provider Host, processes of this user on this machine, because .*docker.*\n► /)
      // two programs in one archive, the transfer of which broke off
      expect(up.stderr).toMatch(/ {2}downloading etcd and kube-apiserver [\d.]+: ([\d.]+ MB) of \1\n/)
      expect(up.stderr).toMatch(/⚠ downloading etcd and kube-apiserver [\d.]+: .*; going on at [\d.]+ MB; attempt 1 of 5 failed/)
      for (const tool of BY_IMAGE)
        expect(up.stderr).toMatch(new RegExp(`  fetching ${tool} [\\d.]+ out of its image: ([\\d.]+ MB) of \\1\n`))
      expect(up.stderr).not.toMatch(/with go/)
      expect(receiptsOf({ ...me } as Machine)).toEqual({
        ...Object.fromEntries(BY_DOWNLOAD.map((tool) => [tool, 'download'])),
        ...Object.fromEntries(BY_IMAGE.map((tool) => [tool, 'image'])),
      })
      for (const left of ['.parts', '.staging']) expect(readdirSync(join(me.cache, left))).toEqual([])
      const whole = site.asked.filter((it) => !it.includes(' '))
      expect(whole.toSorted()).toEqual([...new Set(whole)].toSorted())
      expect(site.asked.filter((it) => it.includes(' '))).toEqual([expect.stringMatching(new RegExp(`^${archive} bytes=\\d+-$`))])

      writeFileSync(join(project, 'k8s', 'a.yaml'), configMap('a', 'live'))
      writeFileSync(
        join(project, 'k8s', 'kustomization.yaml'),
        'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\n',
      )
      const push = await ksail('workload', 'push', '--reconcile')
      expect(push, push.stderr).toMatchObject({ code: 0 })
      const kubectl = (...args: readonly string[]) => output('kubectl', '--kubeconfig', kubeconfig, ...args)
      expect(await kubectl('get', 'configmap', 'a', '-o', 'jsonpath={.data.value}')).toBe('live')
      expect(await kubectl('get', 'nodes', '-o', 'name')).toBe(`node/${name}-worker`)

      const before = site.asked.length
      const again = await ksail('up', '-o', 'json')
      expect(JSON.parse(again.stdout)).toMatchObject({ already: true })
      const down = await ksail('down', '--yes')
      expect(down, down.stderr).toMatchObject({ code: 0 })
      expect(processes()).toEqual({})
      expect(site.asked).toHaveLength(before)
    })

    it('ends with 3 and makes nothing when one program is another than was pinned', async () => {
      const row = pins['registry']
      const [platform, pin] = Object.entries(row?.platforms ?? {})[0] as [string, object]
      const wrong = { ...pins, registry: { ...row, platforms: { [platform]: { ...pin, sha256: 'f'.repeat(64) } } } } as Pins
      const me = user('dl-hash', installedCopy(mkdtempSync(join(folder, 'wrong-')), wrong))
      const { code, stdout, stderr } = await me.ksail('up')
      expect({ code, stdout }, stderr).toEqual({ code: 3, stdout: '' })
      expect(stderr).toMatch(
        /✗ http\S+registry_\S+ is not what was pinned for registry [\d.]+\n {4}expected sha256 f{64}\n {4}got [0-9a-f]{64}, \d+ bytes\n/,
      )
      expect(stderr).toContain('KSAIL_TOOL_REGISTRY')
      expect(me.processes()).toEqual({})
      expect(existsSync(join(me.cache, 'registry'))).toBe(false)
      expect(existsSync(me.kubeconfig)).toBe(false)
    })

    it('reaches everything through a proxy, by TLS of an authority that the user names', async () => {
      const world = await outside(site.host)
      try {
        const program = installedCopy(mkdtempSync(join(folder, 'proxy-')), site.pins(`https://${SITE}`, 'ghcr.io'))
        const { HTTPS_PROXY, SSL_CERT_FILE } = world.env
        const env = { HTTPS_PROXY: HTTPS_PROXY.replace('//', '//me:secret-word@'), SSL_CERT_FILE }
        const stranger = user('dl-strange', program, env)
        const refused = await stranger.ksail('up')
        expect(refused.code, refused.stderr).toBe(6)
        expect(refused.stderr).toContain('NODE_EXTRA_CA_CERTS')
        expect(refused.stderr).not.toContain('secret-word')

        const me = user('dl-proxy', program, { ...env, NODE_EXTRA_CA_CERTS: CA })
        const up = await me.ksail('up')
        expect(up, up.stderr).toMatchObject({ code: 0 })
        expect(new Set(world.connects)).toEqual(new Set([`${SITE}:443`, 'ghcr.io:443']))
        expect(Object.keys(receiptsOf(me)).toSorted()).toEqual(TOOLS.filter((it) => !['kwok', 'kube-scheduler'].includes(it)).toSorted())
        expect(await me.ksail('down', '--yes')).toMatchObject({ code: 0 })
        expect(me.processes()).toEqual({})
      } finally {
        await world.close()
      }
    })
  },
  ['kwok', 'kube-scheduler'],
)
