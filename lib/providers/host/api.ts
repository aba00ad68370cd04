import { Agent, request } from 'node:https'
import { KsailError, messageOf } from '../../base/errors.ts'
import type { Context } from '../../base/context.ts'
import { pathOf } from '../../tools/kube-paths.ts'
import { isOver, type Patience } from './patience.ts'
import type { ApiAccess } from './secrets.ts'

export interface Answer {
  /** 0: nobody answered. */
  readonly status: number
  readonly body: string
}

/** The API of a cluster on this machine, spoken to with its owner's token over the certificate that it made. */
export interface Api {
  send(method: 'GET' | 'PATCH', path: string, body?: string): Promise<Answer>
  close(): void
}

/** How long an answer may take (ms): a server that is starting may accept and say nothing. */
export const ANSWER = 15_000

export const apiOf = (ctx: Pick<Context, 'signal'>, { server, certificate, token }: ApiAccess, limit = ANSWER): Api => {
  const agent = new Agent({ keepAlive: true, ca: certificate, maxSockets: 8 })
  const send: Api['send'] = (method, path, body) =>
    new Promise((resolve, reject) => {
      const headers: Record<string, string | number> = { authorization: `Bearer ${token}`, accept: 'application/json' }
      if (body !== undefined)
        Object.assign(headers, { 'content-type': 'application/apply-patch+yaml', 'content-length': Buffer.byteLength(body) })
      const sent = request(`${server}${path}`, { method, agent, headers, signal: ctx.signal }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.once('end', () => done({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }))
        response.once('error', failed)
      })
      const timer = setTimeout(() => sent.destroy(new Error('no answer')), limit)
      const done = (answer: Answer): void => {
        clearTimeout(timer)
        resolve(answer)
      }
      const failed = (error: Error): void => {
        if (ctx.signal.aborted) {
          clearTimeout(timer)
          reject(ctx.signal.reason)
        } else done({ status: 0, body: messageOf(error) })
      }
      sent.once('error', failed)
      sent.end(body)
    })
  return { send, close: () => agent.destroy() }
}

/** What a manifest is, read from its block style lines: parsing the 150 kB of Flux's own kinds takes longer than making them. */
const headOf = (text: string): { readonly kind: string; readonly name: string; readonly path: string } | undefined => {
  const one = (pattern: RegExp, from: string): string | undefined => pattern.exec(from)?.[1]?.replace(/^(["'])(.*)\1$/, '$2')
  const metadata = one(/^metadata:[^\n]*\n((?:[ #].*\n|\n)+)/m, `${text}\n`) ?? ''
  const [apiVersion, kind, name, namespace] = [
    one(/^apiVersion: *(\S+)/m, text),
    one(/^kind: *(\S+)/m, text),
    one(/^ {2}name: *(\S+)/m, metadata),
    one(/^ {2}namespace: *(\S+)/m, metadata),
  ]
  if (apiVersion === undefined || kind === undefined || name === undefined) return undefined
  return { kind, name, path: pathOf({ apiVersion, kind, metadata: namespace === undefined ? { name } : { name, namespace } }) }
}

export interface Manifest {
  readonly kind: string
  readonly name: string
  readonly path: string
  readonly text: string
}

/** The objects of a text of manifests as ksail and flux write them. */
export const manifestsIn = (yaml: string): readonly Manifest[] =>
  yaml.split(/^---.*$/m).flatMap((text) => {
    const head = headOf(text)
    return head === undefined ? [] : [{ ...head, text }]
  })

/** From what stands in a failed answer whether it heals by itself while an API server starts. */
const heals = ({ status, body }: Answer): boolean =>
  [0, 404, 409, 429, 500, 502, 503, 504].includes(status) || (status === 403 && /not yet ready|unable to create new content/.test(body))

const PAUSE = 50

/** How long the API is asked again while its answer is one that may change. */
export interface ApiPatience extends Patience {
  /** Throws what is known of a server that nobody reaches; called when one more answer is missing. */
  readonly silent?: (() => Promise<void>) | undefined
}

/** Asks again until the answer is one that lasts. */
const until = async (ctx: Context, ask: () => Promise<Answer>, what: string, patience: ApiPatience): Promise<Answer> => {
  for (;;) {
    const answer = await ask()
    if (answer.status >= 200 && answer.status < 300) return answer
    const over = isOver(ctx, patience)
    if (!heals(answer) || over) {
      const said = /"message":"((?:[^"\\]|\\.)*)"/.exec(answer.body)?.[1] ?? answer.body
      throw new KsailError(over ? 'timeout' : 'failed', `${what}: ${said.slice(0, 600) || `status ${answer.status}`}`, {
        hint: over ? 'run ksail cluster info to see what is down, or pass a longer --timeout' : undefined,
      })
    }
    if (answer.status === 0) await patience.silent?.()
    await ctx.sleep(PAUSE)
  }
}

/** Applies manifests server-side as soon as the API server takes them; kinds that are new are waited for. */
export const applyManifests = async (
  ctx: Context,
  api: Api,
  manifests: readonly Manifest[],
  { manager, ...patience }: ApiPatience & { readonly manager: string },
): Promise<void> => {
  const apply = ({ kind, name, path, text }: Manifest): Promise<Answer> =>
    until(
      ctx,
      () => api.send('PATCH', `${path}?fieldManager=${encodeURIComponent(manager)}&force=true`, text),
      `applying ${kind} ${name}`,
      patience,
    )
  const first = ['Namespace', 'CustomResourceDefinition']
  await Promise.all(manifests.filter(({ kind }) => first.includes(kind)).map(apply))
  await Promise.all(manifests.filter(({ kind }) => !first.includes(kind)).map(apply))
}

/** Waits until the API knows a group of kinds, as after its start. */
export const knownGroup = async (ctx: Context, api: Api, group: string, patience: ApiPatience): Promise<void> =>
  void (await until(
    ctx,
    async () => {
      const answer = await api.send('GET', `/apis/${group}`)
      const { resources = [] } = answer.status === 200 ? (JSON.parse(answer.body) as { resources?: readonly unknown[] }) : {}
      return answer.status === 200 && resources.length === 0 ? { status: 503, body: 'not discovered' } : answer
    },
    `waiting for the kinds of ${group}`,
    patience,
  ))

interface Definition {
  readonly spec: {
    readonly group: string
    readonly names: { readonly plural: string }
    readonly versions: readonly { readonly name: string; readonly served: boolean }[]
  }
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] }
}

/** Waits until a kind that was applied is served: a controller that starts before gives up. */
export const servedKind = async (ctx: Context, api: Api, { name, path }: Manifest, patience: ApiPatience): Promise<void> => {
  let list: string | undefined
  await until(
    ctx,
    async () => {
      if (list !== undefined) return api.send('GET', list)
      const answer = await api.send('GET', path)
      if (answer.status !== 200) return answer
      const { spec, status } = JSON.parse(answer.body) as Definition
      const established = status?.conditions?.some((it) => it.type === 'Established' && it.status === 'True') === true
      if (established) list = `/apis/${spec.group}/${spec.versions.find(({ served }) => served)?.name}/${spec.names.plural}?limit=1`
      return { status: 503, body: 'not established' }
    },
    `waiting for the kind ${name}`,
    patience,
  )
}
