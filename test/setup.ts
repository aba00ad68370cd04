import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

/** What the machine says to the tests themselves; everything else of these families would change what is tested. */
const KEPT = /^KSAIL_(E2E|KILL_ALL|TESTBED_.*)$/
const CLEARED = /^(KSAIL_.*|ZX_.*|GITHUB_ACTIONS|CI|NO_COLOR|FORCE_COLOR|CLICOLOR.*)$/

for (const name of Object.keys(process.env)) if (CLEARED.test(name) && !KEPT.test(name)) delete process.env[name]

const home = mkdtempSync(join(tmpdir(), 'ksail-test-'))
Object.assign(process.env, {
  HOME: home,
  TMPDIR: home,
  XDG_CACHE_HOME: join(home, 'cache'),
  XDG_CONFIG_HOME: join(home, 'config'),
  XDG_STATE_HOME: join(home, 'state'),
  DOCKER_CONFIG: join(home, 'docker'),
  KUBECONFIG: join(home, 'kubeconfig'),
})

// what a test killed may still write there
afterAll(() => rmSync(home, { recursive: true, force: true, maxRetries: 10 }))
