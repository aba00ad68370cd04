import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, expect, it } from 'vitest'

const MODULE = new URL('../../dist/lib/io/processes.js', import.meta.url).href
const SCRIPT = `
import { listProcesses } from '${MODULE}'
const found = await listProcesses({ platform: 'linux' })
console.log(JSON.stringify(found.filter(({ argv }) => argv[1] === '98765').map(({ pid }) => pid)))`

const others: ChildProcess[] = []
afterAll(() => others.forEach((it) => it.kill('SIGKILL')))

// elsewhere ps opens the files
it.runIf(process.platform === 'linux')('more processes than files that may be open are found all the same', async () => {
  others.push(...Array.from({ length: 60 }, () => spawn('sleep', ['98765'])))
  await Promise.all(others.map((it) => new Promise((resolve) => void it.once('spawn', resolve))))
  const { stdout } = await promisify(execFile)(
    'sh',
    ['-c', 'ulimit -n 40; exec "$@"', 'sh', process.execPath, '--input-type=module', '-e', SCRIPT],
    { cwd: fileURLToPath(new URL('../..', import.meta.url)) },
  )
  expect(JSON.parse(stdout)).toEqual(expect.arrayContaining(others.map(({ pid }) => pid)))
})
