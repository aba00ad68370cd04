import { expect, it } from 'vitest'
import { hostsToml, trustRegistry } from '../../../lib/registry/nodes.ts'
import { fakeContext } from '../../fakes/context.ts'
import { fakeExec } from '../../fakes/exec.ts'

it('tells containerd where localhost:PORT is', async () => {
  expect(await hostsToml('dev')).toBe(
    'server = "http://dev-local-registry:5000"\n\n[host."http://dev-local-registry:5000"]\ncapabilities = [ "pull", "resolve" ]\n',
  )
})

it('writes hosts.toml on every node', async () => {
  const exec = fakeExec({ 'docker exec -i *': '' })
  await trustRegistry(fakeContext({ exec }), ['dev-control-plane', 'dev-worker'], { cluster: 'dev', port: 5051 })
  expect(exec.calls.map(({ args }) => [args[2], args.at(-1)])).toEqual([
    ['dev-control-plane', '/etc/containerd/certs.d/localhost:5051'],
    ['dev-worker', '/etc/containerd/certs.d/localhost:5051'],
  ])
  expect(exec.calls[0]?.options.input).toContain('dev-local-registry:5000')
})
