import { createServer } from 'node:http'
import { expect, it } from 'vitest'
import type { Spawn } from '../../../lib/base/exec.ts'
import { connect, sharingKube } from '../../../lib/tools/kube.ts'
import { fakeContext } from '../../fakes/context.ts'

/** Stands in for `kubectl proxy`: serves `{}` on the socket it is told, and counts how often it is started. */
const world = () => {
  const log: string[] = []
  const spawn: Spawn = (_file, args, options) => {
    const socket = args.find((word) => word.startsWith('--unix-socket='))?.slice('--unix-socket='.length)
    const context = args[args.indexOf('--context') + 1]
    let end!: (value: { exitCode: number; stderr: string }) => void
    const ended = new Promise<{ exitCode: number | null; stderr: string }>((resolve) => (end = resolve))
    log.push(`start ${context}`)
    if (context === 'missing') {
      end({ exitCode: 1, stderr: 'error: context "missing" does not exist' })
      return { pid: 1, ended, stop: async () => undefined }
    }
    const server = createServer((_request, response) => response.end('{"kind":"Status"}'))
    server.listen(socket, () => options?.onLine?.(`Starting to serve on ${socket}`, 'stdout'))
    return {
      pid: 1,
      ended,
      stop: () =>
        new Promise((resolve) => {
          log.push(`stop ${context}`)
          server.closeAllConnections()
          server.close(() => {
            end({ exitCode: 0, stderr: '' })
            resolve()
          })
        }),
    }
  }
  return { log, ctx: fakeContext({ spawn }) }
}

const to = (context: string) => ({ kubeconfig: '/k', context })

it('starts one proxy for each cluster, and stops them at the end', async () => {
  const { log, ctx } = world()
  await sharingKube(ctx, async () => {
    const [one, two] = await Promise.all([connect(ctx, to('a')), connect(ctx, to('a'))])
    await one.close()
    expect(await two.get('/version')).toEqual({ kind: 'Status' })
    await sharingKube(ctx, async () => void (await connect(ctx, to('b'))))
    expect(log).toEqual(['start a', 'start b'])
  })
  expect(log.toSorted()).toEqual(['start a', 'start b', 'stop a', 'stop b'])
})

it('keeps them for work that goes on when the one that began first has ended', async () => {
  const { log, ctx } = world()
  let later: Promise<unknown> | undefined
  await sharingKube(ctx, async () => {
    await connect(ctx, to('a'))
    later = sharingKube(ctx, async () => {
      const kube = await connect(ctx, to('a'))
      await new Promise((resolve) => setTimeout(resolve, 50))
      return kube.get('/version')
    })
  })
  expect(log).toEqual(['start a'])
  expect(await later).toEqual({ kind: 'Status' })
  expect(log).toEqual(['start a', 'stop a'])
})

it('stops them when the work fails, and asks again after a failure', async () => {
  const { log, ctx } = world()
  await expect(
    sharingKube(ctx, async () => {
      await connect(ctx, to('a'))
      await expect(connect(ctx, to('missing'))).rejects.toMatchObject({ code: 'unreachable' })
      await connect(ctx, to('missing'))
    }),
  ).rejects.toMatchObject({ code: 'unreachable' })
  expect(log.filter((it) => it === 'start missing')).toHaveLength(2)
  expect(log.at(-1)).toBe('stop a')
})

it('shares nothing where nobody asked for it', async () => {
  const { log, ctx } = world()
  for (const kube of [await connect(ctx, to('a')), await connect(ctx, to('a'))]) await kube.close()
  expect(log).toEqual(['start a', 'start a', 'stop a', 'stop a'])
})
