import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Answer, Call } from './call.ts'

const CLIENT = fileURLToPath(new URL('client.sh', import.meta.url))
const BASH = ['/bin/bash', '/usr/bin/bash'].find(existsSync) ?? '/bin/bash'

type Handler = (world: string, call: Call) => Promise<Answer>

/** Cuts what the client sends at its zeros: world, tool, pid, folder, kubeconfig, number of words, words, input. */
const receive = (socket: Socket): Promise<readonly string[]> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let [found, wanted] = [0, Infinity]
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      for (const byte of chunk) if (byte === 0) found++
      if (found >= 6 && wanted === Infinity) wanted = 7 + Number(Buffer.concat(chunks).toString('utf8').split('\0')[5])
      if (found >= wanted) resolve(Buffer.concat(chunks).toString('utf8').split('\0').slice(0, -1))
    })
    socket.once('close', () => reject(new Error('the caller was gone before it had said what it wants')))
  })

const callOf = (socket: Socket, [, tool = '', pid, cwd = '', , count, ...rest]: readonly string[], gone: Promise<void>): Call => {
  let over = false
  void gone.then(() => (over = true))
  const args = rest.slice(0, Number(count))
  return {
    tool,
    args,
    cwd,
    pid: Number(pid),
    input: rest[Number(count)] ?? '',
    gone,
    isGone: () => over,
    say: (line) => void socket.write(`e${line}\n`),
    print: (line) => void socket.write(`o${line}\n`),
    moment: async () => undefined,
  }
}

/** Where the stand-ins ask, from their own processes. `handle` answers one call. */
export const serveCalls = async (handle: Handler): Promise<{ readonly port: number; readonly close: () => void }> => {
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    const gone = new Promise<void>((resolve) => socket.once('close', () => (open.delete(socket), resolve())))
    // a client that was killed resets the connection: `gone` says so
    socket.on('error', () => undefined)
    void (async () => {
      let words: readonly string[]
      try {
        words = await receive(socket)
      } catch {
        return
      }
      const { code = 0, stdout = '', stderr = '' } = await handle(words[0] ?? '', callOf(socket, words, gone))
      const lines =
        stderr === ''
          ? ''
          : `${stderr
              .replace(/\n$/, '')
              .split('\n')
              .map((line) => `e${line}`)
              .join('\n')}\n`
      socket.end(stdout === '' ? `${lines}x${code}\n` : `${lines}c${code}\n${stdout}`)
    })()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    close: () => {
      server.close()
      for (const socket of open) socket.destroy()
    },
  }
}

/** Writes the programs that stand in for tools into a folder: each asks the machine at `port`. */
export const writeStandIns = (folder: string, tools: readonly string[], port: number): void => {
  mkdirSync(folder, { recursive: true })
  for (const tool of tools) {
    const path = join(folder, tool)
    writeFileSync(path, `#!${BASH}\nMACHINE_TOOL=${tool} MACHINE_PORT=${port} BASH_ENV=${CLIENT} exec -a "$0" ${BASH} "$@"\n`)
    chmodSync(path, 0o755)
  }
}
