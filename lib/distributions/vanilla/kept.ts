import { isKsailError } from '../../base/errors.ts'
import type { Context } from '../../base/context.ts'
import type { Target } from '../../base/target.ts'
import { readText } from '../../io/files.ts'
import type { Container } from '../../tools/docker.ts'
import { nodesWanted } from './config.ts'
import { imageOf } from './nodes.ts'

/** kind makes nodes once: what is asked for since then, in kind.yaml or by a setting, is said, not swallowed. */
export const sayKept = async (ctx: Context, target: Target, found: readonly Container[]): Promise<void> => {
  let wanted
  try {
    wanted = nodesWanted(target, await readText(target.distributionConfig))
  } catch (error) {
    // a kind.yaml that is broken matters when nodes are made of it
    if (!isKsailError(error, 'config')) throw error
    return
  }
  // of several control planes kind has one more container, which is no node
  const made = found.filter(({ name }) => !name.endsWith('-external-load-balancer'))
  const [image, has] = [imageOf(target) ?? wanted[0]?.image, made[0]?.image]
  const kept = [
    ...(made.length === wanted.length ? [] : [`${made.length} ${made.length === 1 ? 'node' : 'nodes'}, not ${wanted.length}`]),
    // kind itself takes a tag away where there is a digest
    ...(image === undefined || has === undefined || image.includes('@') || image === has ? [] : [`${has}, not ${image}`]),
  ]
  if (kept.length > 0)
    ctx.report({ kind: 'warn', text: `cluster ${target.name} keeps what it was made with: ${kept.join('; ')}: delete it to have that` })
}
