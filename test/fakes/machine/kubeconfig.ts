import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { parse, stringify } from 'yaml'

type Entry = { readonly name: string; readonly [key: string]: unknown }
interface Kubeconfig {
  clusters: Entry[]
  contexts: Entry[]
  users: Entry[]
  'current-context': string
}

const read = (file: string): Kubeconfig => {
  const found = existsSync(file) ? (parse(readFileSync(file, 'utf8')) as Partial<Kubeconfig> | null) : null
  return { clusters: [], contexts: [], users: [], 'current-context': '', ...found }
}

const change = (file: string, edit: (config: Kubeconfig) => void): void => {
  const config = read(file)
  edit(config)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, stringify({ apiVersion: 'v1', kind: 'Config', preferences: {}, ...config }), { mode: 0o600 })
}

const drop = (config: Kubeconfig, name: string): void => {
  for (const list of ['clusters', 'contexts', 'users'] as const) config[list] = config[list].filter((it) => it.name !== name)
}

/** Adds the entries of a cluster and makes them current, as kind does it. */
export const addEntry = (file: string, name: string, port: number): void =>
  change(file, (config) => {
    drop(config, name)
    config.clusters.push({ name, cluster: { server: `https://127.0.0.1:${port}` } })
    config.contexts.push({ name, context: { cluster: name, user: name } })
    config.users.push({ name, user: {} })
    config['current-context'] = name
  })

export const removeEntry = (file: string, name: string): void => {
  if (existsSync(file))
    change(file, (config) => {
      drop(config, name)
      if (config['current-context'] === name) config['current-context'] = ''
    })
}

export const setCurrent = (file: string, name: string): void => change(file, (config) => void (config['current-context'] = name))

/** Contexts by name, with the port that they lead to. */
export const entriesOf = (file: string): readonly { readonly name: string; readonly port: number }[] => {
  const { contexts, clusters } = read(file)
  return contexts.map(({ name }) => ({
    name,
    port: Number(
      /:(\d+)$/.exec((clusters.find((it) => it.name === name)?.['cluster'] as { server: string } | undefined)?.server ?? '')?.[1],
    ),
  }))
}
