import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ensureContext, hasContext } from '../../../../lib/distributions/vanilla/access.ts'
import { fakeContext, tempFolder } from '../../../fakes/context.ts'
import { fakeExec } from '../../../fakes/exec.ts'

const file = (port: number): string => {
  const path = join(tempFolder(), 'config')
  writeFileSync(
    path,
    JSON.stringify({
      contexts: [{ name: 'kind-dev', context: { cluster: 'kind-dev' } }],
      clusters: [{ name: 'kind-dev', cluster: { server: `https://127.0.0.1:${port}` } }],
    }),
  )
  return path
}
const node = { id: '1', name: 'dev-control-plane', running: true, status: 'running', created: '', ports: { '6443/tcp': 40123 } }

it('knows a context that points at the cluster from one that points elsewhere', async () => {
  expect(await hasContext(file(40123), 'kind-dev', 40123)).toBe(true)
  expect(await hasContext(file(40124), 'kind-dev', 40123)).toBe(false)
  expect(await hasContext(file(40123), 'kind-other', 40123)).toBe(false)
  expect(await hasContext('/nowhere/config', 'kind-dev', 40123)).toBe(false)
})

it('writes the context only when it is missing or wrong', async () => {
  const exec = fakeExec({ 'kind export kubeconfig *': '' })
  const ctx = fakeContext({ exec })
  await ensureContext(ctx, { name: 'dev', kubeconfig: file(40123), context: 'kind-dev' }, [node])
  expect(exec.calls).toEqual([])
  const wrong = file(1)
  await ensureContext(ctx, { name: 'dev', kubeconfig: wrong, context: 'kind-dev' }, [node])
  expect(exec.commands()).toEqual([`kind export kubeconfig --name dev --kubeconfig ${wrong}`])
})
