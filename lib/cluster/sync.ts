import { KsailError } from '../base/errors.ts'
import type { Context } from '../base/context.ts'
import { hostPort } from '../base/reference.ts'
import type { Registry, Target } from '../base/target.ts'
import { dockerLogin } from '../registry/docker-config.ts'
import type { Runtime } from '../distributions/distribution.ts'
import type { Sync } from './plan.ts'

/** A token of a CI run ends with the run; the cluster would go on with it and fail a little later. */
const isShortLived = (password: string): boolean => password.startsWith('ghs_')

/** User and password that the cluster may use as well: those of the setting, else of `docker login`. An identity token is for the client alone. */
const loginFor = async (ctx: Context, host: string, { username, password }: Registry): Promise<{ readonly username: string; readonly password: string } | undefined> => {
  if (username !== '' && password !== '') return { username, password }
  const login = await dockerLogin(ctx, host)
  return login !== undefined && 'password' in login ? login : undefined
}

/** Where the engine reads, seen from inside the cluster: always the repository and tag that push writes. */
export const syncOf = async (ctx: Context, target: Target, runtime: Runtime, { allowShortLived }: { readonly allowShortLived: boolean }): Promise<Sync> => {
  const { registry, repository, tag } = target
  if (registry === undefined) return { url: (port) => `${runtime.registry.url(target.name, port)}/${repository}`, repository: `${repository}:${tag}`, insecure: true, tag }
  const host = hostPort(registry)
  const found = await loginFor(ctx, host, registry)
  if (found !== undefined) ctx.secrets.add(found.password)
  if (found !== undefined && isShortLived(found.password) && !allowShortLived)
    throw new KsailError('refused', `the credentials for ${host} are a short-lived token of CI, which the cluster could not use for long`, {
      hint: 'give it a token that lasts, or pass --allow-short-lived',
    })
  const auth = found === undefined ? undefined : { [host]: { username: found.username, password: found.password, auth: Buffer.from(`${found.username}:${found.password}`).toString('base64') } }
  return { url: () => `oci://${host}/${repository}`, repository: `${host}/${repository}:${tag}`, insecure: false, tag, ...(auth === undefined ? {} : { pullSecret: JSON.stringify({ auths: auth }) }) }
}
