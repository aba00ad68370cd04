import { KsailError } from '../base/errors.ts'
import type { Context } from '../base/context.ts'
import { hostPort } from '../base/reference.ts'
import type { Registry, Target } from '../base/target.ts'
import type { Runtime } from '../distributions/distribution.ts'
import { engineOf } from '../engines/index.ts'
import { dockerLogin } from '../registry/docker-config.ts'
import type { Sync } from './manifests.ts'

/** A token of a CI run ends with the run; the cluster would go on with it and fail a little later. */
const isShortLived = (password: string): boolean => password.startsWith('ghs_')

interface Login {
  readonly username: string
  readonly password: string
}

/** User and password that the cluster may use as well: those of the setting, else of `docker login`. */
const loginFor = async (ctx: Context, host: string, { username, password }: Registry): Promise<Login | undefined> => {
  if (username !== '' && password !== '') return { username, password }
  const login = await dockerLogin(ctx, host)
  if (login !== undefined && 'identityToken' in login) {
    ctx.secrets.add(login.identityToken)
    ctx.report({
      kind: 'warn',
      text: `the docker login for ${host} is an identity token, which the cluster cannot use: it pulls without credentials`,
    })
  }
  return login !== undefined && 'password' in login ? { username: login.username, password: login.password } : undefined
}

/** The Docker configuration that the cluster pulls with; undefined when nobody has credentials that it could use. */
const pullConfig = async (ctx: Context, registry: Registry, allowShortLived: boolean): Promise<string | undefined> => {
  const host = hostPort(registry)
  const found = await loginFor(ctx, host, registry)
  if (found === undefined) return undefined
  const auth = Buffer.from(`${found.username}:${found.password}`).toString('base64')
  ctx.secrets.add(found.password)
  ctx.secrets.add(auth)
  if (isShortLived(found.password) && !allowShortLived)
    throw new KsailError('refused', `the credentials for ${host} are a short-lived token of CI, which the cluster could not use for long`, {
      hint: 'give it a token that lasts, or pass --allow-short-lived',
    })
  return JSON.stringify({ auths: { [host]: { ...found, auth } } })
}

/** Where the engine reads, seen from inside the cluster: always the repository and tag that push writes. */
export const syncOf = async (
  ctx: Context,
  target: Target,
  runtime: Pick<Runtime, 'registry'>,
  { allowShortLived }: { readonly allowShortLived: boolean },
): Promise<Sync> => {
  const { registry, repository, tag } = target
  if (registry === undefined)
    return {
      url: (port) => `${runtime.registry.url(target.name, port)}/${repository}`,
      repository: `${repository}:${tag}`,
      insecure: true,
      tag,
    }
  const host = hostPort(registry)
  // without an engine nobody pulls
  const pullSecret = !engineOf(target.engine).follows ? undefined : await pullConfig(ctx, registry, allowShortLived)
  return { url: () => `oci://${host}/${repository}`, repository: `${host}/${repository}:${tag}`, insecure: false, tag, pullSecret }
}
