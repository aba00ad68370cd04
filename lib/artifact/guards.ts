import { posix } from 'node:path'
import type { Facts } from './facts.ts'
import type { Finding } from './secrets.ts'

export interface Gate {
  readonly verdict: 'ok' | 'warn' | 'refuse'
  /** Key paths of Secret findings, in the order of the documents. */
  readonly keys: readonly string[]
  /** `file:line: what`, each. */
  readonly refused: readonly string[]
  readonly warned: readonly string[]
}

/** Whether a file lies in a Helm chart, whose templates are no YAML. */
export const inChart = (path: string, has: (path: string) => boolean): boolean => {
  for (let folder = posix.dirname(path); ; folder = posix.dirname(folder)) {
    if (has(folder === '.' ? 'Chart.yaml' : `${folder}/Chart.yaml`)) return true
    if (folder === '.' || folder === '/') return false
  }
}

/** Whether a tree may leave the machine: keys never, plaintext Secrets when that was asked for. Names files, lines and keys, never values. */
export const judgeContents = (facts: ReadonlyMap<string, Facts>, allowPlaintextSecrets: boolean): Gate => {
  const refused: string[] = []
  const warned: string[] = []
  const keys: string[] = []
  const say = (path: string, { verdict, rule, line, text }: Finding): void => {
    const refuse = verdict === 'refuse' && !(rule === 'secret' && allowPlaintextSecrets)
    ;(refuse ? refused : warned).push(`${path}:${line}: ${text}`)
  }
  for (const [path, { findings, error }] of facts) {
    for (const finding of findings) {
      say(path, finding)
      if (finding.rule === 'secret') keys.push(...finding.keys)
    }
    if (error !== undefined && !inChart(path, (other) => facts.has(other))) warned.push(`${path}:${error.line}: ${error.text}`)
  }
  return { verdict: refused.length > 0 ? 'refuse' : warned.length > 0 ? 'warn' : 'ok', keys, refused, warned }
}
