import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { emptyFolder, ksail, program } from './run.ts'

const version = (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version

describe('answers that need nothing', () => {
  it.each([
    [['--version'], new RegExp(`^${version.replaceAll('.', '\\.')}\n$`)],
    [['cluster', 'list', '--version'], new RegExp(`^${version.replaceAll('.', '\\.')}\n$`)],
    [[], /^GitOps without/],
    [['--help'], /^GitOps without/],
    [['help'], /^GitOps without/],
    [['cluster'], /cluster create/],
    [['cluster', '--help'], /cluster create/],
    [['workload', 'push', '--help'], /--also-tag/],
    [['help', 'workload', 'push'], /--also-tag/],
    [['workload', 'push', '--wrong', '-h'], /--also-tag/],
  ] as const)('%j', async (words, text) => {
    const { status, stdout, stderr } = await ksail(words)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toMatch(text)
  })
})

describe('what was typed wrong is status 2, said on stderr alone', () => {
  it.each([
    [['clutser'], /^✗ ksail has no command clutser\n {2}did you mean ksail cluster\?\n$/],
    [['cluster', 'craete'], /did you mean ksail cluster create\?/],
    [['push'], /^✗ ksail has no command push\n {2}did you mean ksail workload push\?\n$/],
    [['cluster', 'up'], /did you mean ksail up\?/],
    [['version'], /did you mean ksail --version\?/],
    [['--name', 'dev', 'up'], /^✗ ksail has no flag --name\n {2}write the flags of a command after it\n$/],
    [['-qv', '--log=plain', 'upp'], /did you mean ksail up\?/],
    [['xyzzy'], /choose one of up, down, cluster, workload/],
    [['cluster', 'list', 'dev'], /ksail cluster list takes no argument; too many: dev/],
    [['workload', 'push', 'oci://a/b', 'oci://c/d'], /takes one argument; too many: oci:\/\/c\/d/],
    [['workload', 'push', '--tga', 'x'], /has no flag --tga\n {2}did you mean --tag\?/],
    [['workload', 'push', '--tag'], /--tag needs a value/],
    [['workload', 'push', '--tag', 'a', '--tag', 'b'], /--tag is given twice/],
    [['workload', 'push', '-o'], /--output needs a value\n {2}write --output text\|json\n$/],
    [['workload', 'push', '-o', 'yaml'], /--output must be one of text, json/],
    [['cluster', 'create', '--gitops-engine', 'flus'], /--gitops-engine must be one of .*Flux/],
    [['cluster', 'create', '--name', 'Not_A_Name'], /Not_A_Name/],
    [['workload', 'reconcile', '--timeout', 'soon'], /--timeout must be a duration/],
    [['up', '--timeout', '0s'], /--timeout must be a duration from 1ms to 24h, not "0s"/],
    [['cluster', 'start', '--timeout', '-5m'], /--timeout must be a duration from 1ms to 24h, not "-5m"/],
    [['workload', 'reconcile', '--timeout', '99999h'], /--timeout must be a duration from 1ms to 24h, not "99999h"/],
    [['cluster', 'list', '--config', 'nowhere.yaml', '--nope'], /has no flag --(config|nope)/],
  ] as const)('%j', async (words, text) => {
    const { status, stdout, stderr } = await ksail(words, { cwd: emptyFolder() })
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toMatch(text)
    expect(stderr).not.toMatch(/\x1b\[|\n\s+at /)
  })

  it('is JSON on stderr with -o json, whatever else is wrong', async () => {
    for (const words of [
      ['workload', 'psh', '-o', 'json'],
      ['workload', 'push', '--nope', '--output=json'],
      ['-ojson', 'cluster', 'create', '--name', 'Not_A_Name'],
    ]) {
      const { status, stdout, stderr } = await ksail(words, { cwd: emptyFolder() })
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
      expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'usage', message: expect.any(String) } })
    }
  })
})

it('prints the result as JSON and nothing else', async () => {
  const { status, stdout } = await ksail(['cluster', 'list', '-o', 'json'], { cwd: emptyFolder() })
  expect(status).toBe(0)
  expect(JSON.parse(stdout)).toEqual([])
})

it('is quiet when nobody reads', () => {
  for (const redirect of ['| head -0', '2>&1 | head -0'])
    for (const words of ['--help', 'workload push --help', 'clutser']) {
      const { stderr, stdout } = spawnSync('bash', ['-c', `"$0" "$1" ${words} ${redirect}`, process.execPath, program], {
        encoding: 'utf8',
      })
      expect(stdout).toBe('')
      expect(stderr).not.toMatch(/EPIPE|\bat /)
    }
})

it.runIf(existsSync('/dev/full'))('is no success when its result could not be written', () => {
  const run = (redirect: string) =>
    spawnSync('bash', ['-c', `"$0" "$1" --help ${redirect}`, process.execPath, program], { encoding: 'utf8' })
  expect(run('>/dev/full')).toMatchObject({ status: 1, stderr: expect.stringMatching(/could not be written: ENOSPC/) })
  expect(run('>/dev/null')).toMatchObject({ status: 0, stderr: '' })
})

it('annotates for GitHub Actions on stderr', async () => {
  const { status, stderr, stdout } = await ksail(['cluster', 'craete'], { env: { GITHUB_ACTIONS: 'true' } })
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
  expect(stderr).toMatch(/^::error title=ksail usage::ksail cluster has no command craete%0Adid you mean/)
})

it('colours only when told to', async () => {
  expect((await ksail(['clutser'], { env: { FORCE_COLOR: '1', KSAIL_LOG: 'color' } })).stderr).toContain('\x1b[31m✗\x1b[39m')
  expect((await ksail(['clutser', '--no-color'], { env: { FORCE_COLOR: '1', KSAIL_LOG: 'color' } })).stderr).not.toContain('\x1b[')
  expect((await ksail(['clutser'], { env: { NO_COLOR: '1', FORCE_COLOR: '1', KSAIL_LOG: 'color' } })).stderr).not.toContain('\x1b[')
})

it('refuses a look that does not exist, also by variable', async () => {
  expect(await ksail(['cluster', 'list', '--log', 'loud'])).toMatchObject({ status: 2, stdout: '' })
  const { status, stderr } = await ksail(['cluster', 'list'], { env: { KSAIL_LOG: 'loud' } })
  expect({ status, stderr }).toEqual({ status: 2, stderr: '✗ KSAIL_LOG must be one of plain, color, github, json; it is loud\n' })
})
