import { expect, it } from 'vitest'
import { containerRegistry } from '../../../lib/distributions/container-registry.ts'
import { fakeContext } from '../../fakes/context.ts'
import { fakeExec } from '../../fakes/exec.ts'

const stopped = JSON.stringify([
  {
    Id: 'r1',
    Name: '/dev-local-registry',
    Created: '',
    State: { Running: false, Status: 'exited' },
    Config: { Image: 'registry:3', Labels: {}, Env: null },
    NetworkSettings: { Ports: null, Networks: null },
    Mounts: null,
  },
])

it('says how to go on when another program has taken the port of a stopped registry', async () => {
  const stderr =
    'Error response from daemon: driver failed programming external connectivity on endpoint dev-local-registry: listen tcp4 127.0.0.1:5050: bind: address already in use\n'
  const exec = fakeExec({
    'docker container inspect dev-local-registry': stopped,
    'docker start dev-local-registry': { exitCode: 1, stderr },
  })
  await expect(containerRegistry.start(fakeContext({ exec }), 'dev', { timeout: 1000 })).rejects.toMatchObject({
    code: 'conflict',
    message: 'another program has taken the port of registry dev-local-registry',
    hint: expect.stringContaining('ksail cluster create'),
  })
})
