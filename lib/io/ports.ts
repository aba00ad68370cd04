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

/** The first free port from `from` upwards; never 5000, where macOS listens for AirPlay. */
export const freePort = async (from: number, isFree: (port: number) => Promise<boolean> = isPortFree): Promise<number | undefined> => {
  for (let port = from; port <= 65_535; port++) if (port !== 5000 && (await isFree(port))) return port
  return undefined
}
