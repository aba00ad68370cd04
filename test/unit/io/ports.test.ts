import { createServer } from 'node:net'
import { expect, it } from 'vitest'
import { freePort, isPortFree, refuseBarred } from '../../../lib/io/ports.ts'
import { quietPort } from '../../fakes/ports.ts'

it('knows a port where somebody listens from one where nobody does', async () => {
  const server = createServer()
  const port = await quietPort()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  expect(await isPortFree(port)).toBe(false)
  await new Promise((resolve) => server.close(resolve))
  expect(await isPortFree(port)).toBe(true)
})

it.each([
  [5050, [], 5050],
  [5050, [5050, 5051], 5052],
  [4999, [4999], 5001],
  [65_535, [65_535], undefined],
])('finds the first free port from %i upwards, never 5000', async (from, taken, expected) => {
  expect(await freePort(from, async (port) => !taken.includes(port))).toBe(expected)
})

it('names a port that nobody could talk to, and passes it over', async () => {
  expect(() => refuseBarred(6000)).toThrow('nothing can be asked on port 6000')
  expect(() => refuseBarred(5050)).not.toThrow()
  expect(await freePort(5060, async () => true)).toBe(5062)
  // the list is that of this runtime's fetch
  await expect(fetch('http://127.0.0.1:6000/')).rejects.toMatchObject({ cause: { message: 'bad port' } })
})
