import { join } from 'node:path'
import type { Context } from '../base/context.ts'
import { formatPlace, KsailError } from '../base/errors.ts'
import type { Artifact } from './build.ts'
import { readFacts } from './facts.ts'
import { judgeContents } from './guards.ts'
import { buildTree, type Built } from './validate.ts'

export interface CheckOptions {
  /** Folder in the artifact where the engine starts. */
  readonly start: string
  /** The folder that was packed, as people would type it: they look for its files from where they stand. */
  readonly shown?: string | undefined
  readonly allowPlaintextSecrets?: boolean | undefined
  /** False: what does not build is said, not refused. */
  readonly validate?: boolean | undefined
}

const SHOWN = 20

const shorten = (lines: readonly string[]): string[] =>
  lines.length <= SHOWN ? [...lines] : [...lines.slice(0, SHOWN), `and ${lines.length - SHOWN} more`]

/**
 * Refuses an artifact that must not leave the machine: keys, plaintext Secrets, kustomizations that do not build. Says what it would make
 * of a cluster.
 *
 * @example
 * const { objects } = await checkArtifact(artifact, { start: './' }, ctx)
 */
export const checkArtifact = async (
  artifact: Artifact,
  { start, shown = '.', allowPlaintextSecrets = false, validate = true }: CheckOptions,
  ctx: Context,
): Promise<Built> => {
  const { entries, ignored, warned, memory } = artifact
  const facts = await readFacts(entries, memory)
  const gate = judgeContents(facts, allowPlaintextSecrets)
  const named = (line: string): string => (shown === '.' ? line : `${shown}/${line}`)
  if (gate.verdict === 'refuse') {
    const overridable = gate.refused.every((line) => line.includes(': Secret '))
    throw new KsailError(
      'refused',
      `refused to push ${gate.refused.length === 1 ? 'a secret' : `${gate.refused.length} secrets`} in plain text`,
      {
        reason: 'plaintext-secret',
        details: shorten(gate.refused.map(named)),
        hint: overridable
          ? 'encrypt it with sops, name the reason in the annotation ksail.io/plaintext-secret, or pass --allow-plaintext-secrets'
          : 'remove it, or name the file in .sourceignore',
      },
    )
  }
  const built = await buildTree({ entries, facts, start, leftOut: [...ignored, ...warned.map(({ path }) => path)], remember: memory }, ctx)
  const problems = built.problems.map(({ file, line, text }) => `${formatPlace({ file: named(file), line })}: ${text}`)
  if (problems.length > 0 && validate)
    throw new KsailError('refused', `${join(shown, start).replace(/\/$/, '')} does not build`, {
      reason: 'does-not-build',
      details: shorten(problems),
      hint: 'mend it, or pass --no-validate to push it as it is',
    })
  const forgotten = built.forgotten.map((path) => `${named(path)} is pushed, but not applied: no kustomization names it`)
  for (const text of shorten([...new Set([...gate.warned.map(named), ...(validate ? [] : problems), ...built.notes, ...forgotten])]))
    ctx.report({ kind: 'warn', text })
  return built
}
