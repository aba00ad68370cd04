import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { profiled } from '../../../../lib/engines/flux/profile.ts'

const stock = readFileSync(new URL('../../../fixtures/flux/install.yaml', import.meta.url), 'utf8')

interface Container {
  args: string[]
  env: { name: string; value?: string }[]
  ports: { name: string; containerPort: number }[]
  imagePullPolicy: string
  readinessProbe: { periodSeconds: number; httpGet: { host: string } }
}
interface Loaded {
  kind: string
  metadata: { name: string; labels: Record<string, string> }
  spec: {
    strategy: unknown
    template: { spec: Record<string, unknown> & { containers: Container[]; nodeSelector: Record<string, string> } }
  }
}

const load = (options: Partial<Parameters<typeof profiled>[1]> = {}): Loaded[] =>
  parseAllDocuments(profiled(stock, { version: '2.9.4', spread: false, ...options })).map((document) => document.toJS() as Loaded)
const controller = (name: string, options?: Parameters<typeof load>[0]): Loaded =>
  load(options).find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === name)!

describe('the fast profile', () => {
  it('leaves away the Service and the quota, and keeps the rest in order', () => {
    expect(load().map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
      'Namespace flux-system',
      'Deployment source-controller',
      'Deployment kustomize-controller',
      'Deployment helm-controller',
    ])
  })

  it('takes the label away that would warn about the host network', () => {
    expect(load()[0]!.metadata.labels).not.toHaveProperty('pod-security.kubernetes.io/warn')
    expect(load()[0]!.metadata.labels).toHaveProperty('app.kubernetes.io/version')
  })

  it.each(['source-controller', 'kustomize-controller', 'helm-controller'])(
    'runs %s on the host network of a control-plane node before that has a network',
    (name) => {
      const { spec } = controller(name)
      expect(spec.strategy).toEqual({ type: 'Recreate' })
      expect(spec.template.spec).toMatchObject({
        hostNetwork: true,
        dnsPolicy: 'Default',
        tolerations: [{ operator: 'Exists' }],
        nodeSelector: { 'kubernetes.io/os': 'linux', 'node-role.kubernetes.io/control-plane': '' },
      })
      expect(spec.template.spec).not.toHaveProperty('priorityClassName')
      const [container] = spec.template.spec.containers
      expect(container!.env).toEqual(
        expect.arrayContaining([
          { name: 'KUBERNETES_SERVICE_HOST', value: '127.0.0.1' },
          { name: 'KUBERNETES_SERVICE_PORT', value: '6443' },
        ]),
      )
      expect(container!.args).toEqual(
        expect.arrayContaining(['--events-addr=', '--enable-leader-election=false', '--requeue-dependency=1s']),
      )
      expect(container!.args).not.toContain('--enable-leader-election')
      expect(container!.imagePullPolicy).toBe('IfNotPresent')
      expect(container!.readinessProbe).toMatchObject({ periodSeconds: 1, httpGet: { host: '127.0.0.1' } })
    },
  )

  it('gives every controller ports of its own on loopback', () => {
    const all = load()
      .filter(({ kind }) => kind === 'Deployment')
      .flatMap(({ spec }) => spec.template.spec.containers[0]!)
    const ports = all.flatMap((container) => container.ports.map(({ containerPort }) => containerPort))
    expect(new Set(ports).size).toBe(ports.length)
    const addresses = all.flatMap(({ args }) => args).filter((arg) => /-addr=\S/.test(arg))
    expect(addresses.length).toBeGreaterThan(0)
    for (const address of addresses) expect(address).toMatch(/=127\.0\.0\.1:\d+$/)
    for (const port of ports) expect(addresses.some((address) => address.endsWith(`:${port}`))).toBe(true)
  })

  it('says each flag once', () => {
    const names = controller('source-controller').spec.template.spec.containers[0]!.args.map((arg) => arg.split('=')[0])
    expect(new Set(names).size).toBe(names.length)
  })

  it.each([
    ['2.7.5', 'kustomize-controller', '--feature-gates=CancelHealthCheckOnNewRevision=true'],
    ['2.7.5', 'helm-controller', undefined],
    ['2.9.4', 'kustomize-controller', '--feature-gates=CancelHealthCheckOnNewRevision=true,DirectSourceFetch=true'],
    ['2.9.4', 'helm-controller', '--feature-gates=CancelHealthCheckOnNewRevision=true,DirectSourceFetch=true'],
    ['2.9.4', 'source-controller', undefined],
  ])('asks for no gate that flux %s does not know in %s', (version, name, flag) => {
    expect(controller(name, { version }).spec.template.spec.containers[0]!.args.find((arg) => arg.startsWith('--feature-gates='))).toBe(
      flag,
    )
  })

  it('keeps the controllers together where there are several control-plane nodes', () => {
    expect(controller('kustomize-controller', { spread: true }).spec.template.spec).toHaveProperty('affinity.podAffinity')
    expect(controller('source-controller', { spread: true }).spec.template.spec).not.toHaveProperty('affinity')
    expect(controller('kustomize-controller').spec.template.spec).not.toHaveProperty('affinity')
  })
})
