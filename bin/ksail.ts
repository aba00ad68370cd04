#!/usr/bin/env node
import module from 'node:module'
import process from 'node:process'

// absent on Node 20
;(module as { enableCompileCache?: () => void }).enableCompileCache?.()

const words = process.argv.slice(2)
// nobody reads any more: what was asked for is still done, and its status still told; a full disk is another matter
let lost: Error | undefined
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') lost ??= error
  })

const start = async (): Promise<number> => {
  // the question that scripts ask most needs none of the rest
  if (words.length === 1 && words[0] === '--version') {
    process.stdout.write(`${(await import('../lib/io/version.ts')).version()}\n`)
    return 0
  }
  const [{ KsailError }, { main }] = await Promise.all([import('../lib/base/errors.ts'), import('../lib/cli/main.ts')])
  const stop = new AbortController()
  for (const [signal, code, status] of [
    ['SIGINT', 'interrupted', 130],
    ['SIGTERM', 'terminated', 143],
    ['SIGHUP', 'terminated', 143],
  ] as const)
    process.on(signal, () => {
      if (!stop.signal.aborted) return stop.abort(new KsailError(code, code))
      void import('../lib/io/exec.ts').then(({ killChildren }) => {
        killChildren()
        process.stderr.write(`${process.stderr.isTTY ? '\r\x1b[2K' : ''}✗ ${code} twice: what was begun is left as it is\n`)
        process.exit(status)
      })
    })
  return main(words, { stdout: (text) => process.stdout.write(text), stderr: (text) => process.stderr.write(text), signal: stop.signal })
}

const unfinished = (): void => {
  process.stderr.write('✗ this is a bug of ksail: nothing is left to wait for, and the command has not ended\n')
  process.exit(1)
}
process.on('beforeExit', unfinished)

void start().then((status) => {
  process.off('beforeExit', unfinished)
  // sockets that are kept alive must not hold the process; what was written must have left it
  process.stdout.write('', () =>
    process.stderr.write('', () =>
      setImmediate(() => {
        if (lost !== undefined) process.stderr.write(`✗ what there was to say could not be written: ${lost.message}\n`)
        process.exit(lost === undefined ? status : status || 1)
      }),
    ),
  )
})
