import { freePort } from '../../lib/io/ports.ts'

/**
 * A free port from a range that nobody takes by chance: below what systems hand out and what clusters of processes choose from, above where
 * registries begin to look. It stays free until the test takes it, and between two times that it does.
 */
export const quietPort = async (): Promise<number> => {
  const port = await freePort(10_000 + Math.floor(Math.random() * 9_000))
  if (port === undefined) throw new Error('no port of this machine is free')
  return port
}
