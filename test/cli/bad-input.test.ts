import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { emptyFolder, ksail, standIns } from './run.ts'

/** Every file below a folder with its text, to see that nothing was written. */
const filesOf = (folder: string): Record<string, string> =>
  existsSync(folder)
    ? Object.fromEntries(
        readdirSync(folder, { recursive: true, encoding: 'utf8' })
          .toSorted()
          .flatMap((name) => (lstatSync(join(folder, name)).isFile() ? [[name, readFileSync(join(folder, name), 'utf8')]] : [])),
      )
    : {}

/** A project as init writes it, and what must stay as it is: its files and the records of clusters. */
const project = async (change: (folder: string) => void = () => undefined) => {
  const folder = emptyFolder()
  const state = mkdtempSync(join(tmpdir(), 'state-'))
  const env = { XDG_STATE_HOME: state }
  expect(await ksail(['cluster', 'init', '--name', 'dev', '--gitops-engine', 'Flux'], { cwd: folder, env })).toMatchObject({ status: 0 })
  change(folder)
  const written = (): object => ({ project: filesOf(folder), state: filesOf(state) })
  return { folder, env, written, before: written() }
}

/** A registry on which nobody answers, and an oras that says so. */
const NOWHERE = 'oci://localhost:1/k8s:dev'
const ORAS =
  '[ "$1" = version ] && { echo "Version: 1.3.4"; exit 0; }\necho "dial tcp 127.0.0.1:1: connect: connection refused" >&2\nexit 1'

describe('a name that is none is refused before anything is written', () => {
  it.each([
    [['cluster', 'init', '--name', 'Not_A_Name']],
    [['cluster', 'init', '--name', '../../etc']],
    [['cluster', 'create', '--name', 'dev-']],
    [['up', '--name', '-']],
    [['down', '--name', 'a'.repeat(64)]],
  ])('%j', async (words) => {
    const cwd = emptyFolder()
    const { status, stdout, stderr } = await ksail(words, { cwd })
    expect({ status, stdout }, stderr).toEqual({ status: 2, stdout: '' })
    expect(stderr).toContain(words.at(-1))
    expect(readdirSync(cwd)).toEqual([])
  })
})

describe('a mistake in ksail.yaml is named by file, line and column', () => {
  it.each([
    ['an unknown key', 'gitOpsEngine:', 'gitopsEngin:', /ksail\.yaml:8:5: .*gitopsEngin\n {2}.*gitOpsEngine/],
    ['an unknown key at the top', 'metadata:', 'metdata:', /ksail\.yaml:4:1: .*metdata\n {2}.*metadata/],
    ['a wrong choice', 'gitOpsEngine: Flux', 'gitOpsEngine: Flus', /ksail\.yaml:8:19: .*Flus/],
    ['what is not YAML', 'spec:', 'spec: [', /ksail\.yaml:\d+:\d+: /],
  ])('%s', async (_title, right, wrong, message) => {
    const { folder, env, written, before } = await project((at) =>
      writeFileSync(join(at, 'ksail.yaml'), readFileSync(join(at, 'ksail.yaml'), 'utf8').replace(right, wrong)),
    )
    for (const words of [['workload', 'push'], ['cluster', 'create'], ['up'], ['down']]) {
      const { status, stdout, stderr } = await ksail(words, { cwd: folder, env })
      expect({ status, stdout }, stderr).toEqual({ status: 2, stdout: '' })
      expect(stderr).toMatch(message)
      expect(stderr).not.toMatch(/\n\s+at /)
    }
    expect(written()).toEqual(before)
  })
})

describe('a folder that cannot be pushed is named, and nothing is packed', () => {
  const empty = (folder: string): void => {
    rmSync(join(folder, 'k8s'), { recursive: true })
    mkdirSync(join(folder, 'k8s'))
  }
  it.each<[string, (folder: string) => void, RegExp]>([
    ['it is missing', (folder) => rmSync(join(folder, 'k8s'), { recursive: true }), /k8s does not exist/],
    ['it is empty', empty, /k8s holds no manifest/],
    [
      'it is a file',
      (folder) => {
        rmSync(join(folder, 'k8s'), { recursive: true })
        writeFileSync(join(folder, 'k8s'), '')
      },
      /k8s is not a directory/,
    ],
    [
      'it is a link to itself',
      (folder) => {
        rmSync(join(folder, 'k8s'), { recursive: true })
        symlinkSync('k8s', join(folder, 'k8s'))
      },
      /k8s is a link that leads to itself/,
    ],
  ])('%s', async (_title, change, message) => {
    const { folder, env, written, before } = await project(change)
    const { status, stdout, stderr } = await ksail(['workload', 'push', NOWHERE], {
      cwd: folder,
      env: { ...env, ...standIns({ oras: ORAS }) },
    })
    expect({ status, stdout }, stderr).toEqual({ status: 2, stdout: '' })
    expect(stderr).toMatch(message)
    expect(written()).toEqual(before)
  })

  // root reads everything: there a link to itself, above, stands for what cannot be read
  it.skipIf(process.getuid?.() === 0)('it may not be read', async () => {
    const { folder, env } = await project((at) => chmodSync(join(at, 'k8s'), 0o000))
    const { status, stdout, stderr } = await ksail(['workload', 'push', NOWHERE], {
      cwd: folder,
      env: { ...env, ...standIns({ oras: ORAS }) },
    })
    chmodSync(join(folder, 'k8s'), 0o755)
    expect({ status, stdout }, stderr).toEqual({ status: 2, stdout: '' })
    expect(stderr).toMatch(/k8s/)
    expect(stderr).toMatch(/permission|read/)
  })
})

describe.each(['HOME', 'XDG_STATE_HOME'])('%s where nothing can be made', (variable) => {
  it.each(['up', 'down'])('%s says so at once', async (word) => {
    const [cwd, place] = [emptyFolder(), join(emptyFolder(), 'x')]
    symlinkSync(join(cwd, 'nowhere'), place)
    const env = { XDG_STATE_HOME: '', KUBECONFIG: join(cwd, 'kubeconfig'), KSAIL_PROVIDER: 'Host', [variable]: join(place, 'me') }
    const { status, stdout, stderr } = await ksail([word, '--name', 'dev'], { cwd, env })
    expect({ status, stdout }, stderr).toEqual({ status: 2, stdout: '' })
    expect(stderr).toContain(`cannot make the folder ${place}: what has that name is no folder\n  move it away, or correct the path`)
  })
})

describe('without Docker a cluster is neither made nor removed', () => {
  const silent =
    '[ "$3" = "{{.Client.Version}}" ] && { echo 27.0.0; exit 0; }\necho "Cannot connect to the Docker daemon at unix:///nowhere. Is the docker daemon running?" >&2\nexit 1'
  const path = (PATH: string): { PATH: string } => ({ PATH: PATH.split(delimiter)[0] as string })
  it.each([
    ['docker does not answer', () => path(standIns({ docker: silent }).PATH), /docker does not answer/i],
    ['docker is missing', () => path(standIns({}).PATH), /no docker was found that can be used/],
  ])('%s', async (_title, found, message) => {
    const { folder, env, written, before } = await project()
    for (const words of [['cluster', 'create'], ['up']]) {
      const { status, stdout, stderr } = await ksail(words, { cwd: folder, env: { ...env, ...found() } })
      expect({ status, stdout }, stderr).toEqual({ status: 6, stdout: '' })
      expect(stderr).toMatch(message)
      expect(stderr).toMatch(/start Docker|install/i)
      expect(stderr).not.toMatch(/\n\s+at /)
    }
    expect(written()).toEqual(before)
  })
})
