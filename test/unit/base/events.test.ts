import { expect, it } from 'vitest'
import { telling, type Event } from '../../../lib/base/events.ts'

it('says what a wait is blocked by, and again only when it is something else', async () => {
  const events: Event[] = []
  const looks = ['etcd', 'etcd', 'kube-apiserver']
  let over: (value: string) => void = () => undefined
  const work = new Promise<string>((resolve) => void (over = resolve))
  const told = telling({ report: (event) => void events.push(event) }, () => looks.shift() ?? 'kube-apiserver', work, 5)
  await expect.poll(() => events.length).toBe(2)
  over('done')
  expect(await told).toBe('done')
  expect(events).toEqual([
    { kind: 'wait', text: 'etcd' },
    { kind: 'wait', text: 'kube-apiserver' },
  ])
})

it('says nothing of what is quick', async () => {
  const events: Event[] = []
  expect(await telling({ report: (event) => void events.push(event) }, () => 'etcd', Promise.resolve(1), 5000)).toBe(1)
  expect(events).toEqual([])
})
