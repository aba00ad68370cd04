import { describe, expect, it } from 'vitest'
import { vanillaOnHost } from '../../../../lib/distributions/vanilla/host.ts'
import { components } from '../../../../lib/providers/host/components.ts'
import { pinned, pins } from '../../../../lib/tools/install/pins.ts'
import { recipes } from '../../../../lib/tools/install/recipes.ts'

const rows = Object.entries(pins).flatMap(([tool, { version, platforms }]) =>
  Object.entries(platforms).map(([platform, pin]) => ({ name: `${tool} ${platform}`, tool, version, platform, pin })),
)

/** What a cluster on Host runs, what makes Flux's kinds, and what is called to make and use it; simulated nodes included. */
const HOST = [...new Set([...Object.keys(components), ...vanillaOnHost.tools({ workers: 1 }), 'kubectl', 'oras', 'flux'])]

describe('pins', () => {
  it.each(['linux-x64', 'linux-arm64'])('a machine with %s needs no Go for the provider Host', (platform) => {
    expect(HOST.filter((tool) => pinned(tool, pins, platform) === undefined)).toEqual([])
  })

  it('on macOS Go builds exactly what README says', () => {
    const absent = HOST.filter((tool) => pinned(tool, pins, 'darwin-arm64') === undefined)
    expect(absent.toSorted()).toEqual([
      'helm-controller',
      'kube-controller-manager',
      'kube-scheduler',
      'kustomize-controller',
      'registry',
      'source-controller',
    ])
    expect(absent.filter((tool) => recipes[tool] === undefined)).toEqual([])
  })

  it('the parts of a control plane are of one version', () => {
    const of = (tool: string) => pins[tool]?.version
    const [version, ...others] = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'etcd'].map(of)
    expect(others).toEqual([version, version, version])
  })

  it.each(rows)('$name has a hash and comes by TLS', ({ pin, version, platform }) => {
    const { url, image, sha256, sha512, member } = pin
    if (image === undefined) {
      expect(url).toMatch(/^https:\/\//)
      expect(url).toContain(version)
      expect(/\.(tar\.gz|zip)$/.test(url ?? '')).toBe(member !== undefined)
    } else
      expect([image.split('/').length > 1, pin.platform, member]).toEqual([
        true,
        platform.replace('-x64', '-amd64').replace('-', '/'),
        expect.stringMatching(/^usr\/local\/bin\//),
      ])
    expect([sha256 ?? '', sha512 ?? ''].filter((it) => /^([0-9a-f]{64}|[0-9a-f]{128})$/.test(it))).toHaveLength(1)
    expect(sha256 === undefined ? 128 : 64).toBe((sha256 ?? sha512)?.length)
  })
})
