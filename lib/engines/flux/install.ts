import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { Context } from '../../base/context.ts'
import type { Target } from '../../base/target.ts'
import { readText, writeText } from '../../io/files.ts'
import { cacheFolder } from '../../io/folders.ts'
import * as fluxTool from '../../tools/flux.ts'
import { PROFILE, profiled } from './profile.ts'
import { profileOf } from './profile-name.ts'

/**
 * The controllers as YAML, in the profile of the target.
 * Made once for each version of flux, set of controllers and profile, then read from the cache. Never waits for a cluster.
 */
export const installManifests = async (
  ctx: Context,
  target: Target,
  { components }: { readonly components: readonly string[] },
): Promise<string> => {
  const version = await fluxTool.version(ctx)
  const profile = profileOf(target)
  const options = { version, spread: (target.controlPlanes ?? 1) > 1 }
  const hash = createHash('sha256')
    .update(JSON.stringify([components, profile, options, PROFILE]))
    .digest('hex')
    .slice(0, 12)
  const path = join(cacheFolder(ctx.env), 'flux', `${version.replaceAll(/[^\w.-]/g, '_')}-${hash}.yaml`)
  const cached = await readText(path)
  if (cached !== undefined) return cached
  const stock = await fluxTool.exportInstall(ctx, components)
  const yaml = profile === 'stock' ? stock : profiled(stock, options)
  await writeText(path, yaml)
  return yaml
}
