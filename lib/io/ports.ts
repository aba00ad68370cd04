import { createServer } from 'node:net'

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

/** 5000 is AirPlay's on macOS; 5060 and 5061 are among those that fetch and browsers refuse to talk to. */
const NEVER = new Set([5000, 5060, 5061])

/** The first free port from `from` upwards that everybody can use. */
export const freePort = async (from: number, isFree: (port: number) => Promise<boolean> = isPortFree): Promise<number | undefined> => {
  for (let port = from; port <= 65_535; port++) if (!NEVER.has(port) && (await isFree(port))) return port
  return undefined
}
