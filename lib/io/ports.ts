import { createServer } from 'node:net'
import { KsailError } from '../base/errors.ts'

/** Whether nobody listens on a TCP port of 127.0.0.1: found out by listening there for a moment. */
export const isPortFree = (port: number): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false)
      else reject(error)
    })
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)))
  })

/** What fetch and browsers refuse to talk to, as the Fetch standard lists it. */
const BARRED = new Set(
  `1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111 113 115 117 119 123 135 137 139 143 161 179
  389 427 465 512 513 514 515 526 530 531 532 540 548 554 556 563 587 601 636 989 990 993 995 1719 1720 1723 2049 3659 4045 4190 5060 5061
  6000 6566 6665 6666 6667 6668 6669 6679 6697 10080`
    .split(/\s+/)
    .map(Number),
)

/** Throws `usage` for a port that somebody named and that could not be talked to. */
export const refuseBarred = (port: number): void => {
  if (BARRED.has(port))
    throw new KsailError('usage', `nothing can be asked on port ${port}: fetch and browsers refuse it`, {
      reason: 'port',
      hint: 'name another one, as 5050',
    })
}

/** 5000 is AirPlay's on macOS. */
const NEVER = new Set([5000, ...BARRED])

/** The first free port from `from` upwards that everybody can use. */
export const freePort = async (from: number, isFree: (port: number) => Promise<boolean> = isPortFree): Promise<number | undefined> => {
  for (let port = from; port <= 65_535; port++) if (!NEVER.has(port) && (await isFree(port))) return port
  return undefined
}
