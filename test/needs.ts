import { execFileSync } from 'node:child_process'

const works = (name: string): boolean => {
  const words: Record<string, readonly string[]> = {
    docker: ['version'],
    kubectl: ['version', '--client'],
    flux: ['version', '--client'],
    age: ['--version'],
    sops: ['--version', '--disable-version-check'],
    'docker-registry': ['--version'],
  }
  try {
    execFileSync(name, [...(words[name] ?? ['version'])], { stdio: 'ignore', timeout: 20_000 })
    return true
  } catch {
    return false
  }
}

/**
 * Whether tests that need these programs can run here: `describe.skipIf(!hasTools('kind', 'docker'))`.
 * With KSAIL_E2E=1 the answer is always yes, so that a program that is missing fails its tests instead of skipping them.
 */
export const hasTools = (...names: readonly string[]): boolean => process.env['KSAIL_E2E'] === '1' || names.every(works)
