import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { createContext } from '../../lib/context.ts'
import { assetRoot } from '../../lib/io/host.ts'
import { tools } from '../../lib/tools/index.ts'

/** The main job, shown: up, a change, push, reconcile, the live value, down. Leaves nothing behind, also when it fails or is interrupted. */
const folder = mkdtempSync(join(tmpdir(), 'ksail-demo-'))
const kubeconfig = join(folder, 'kubeconfig')
const nodeImage = process.env['KSAIL_NODE_IMAGE'] ?? process.env['KSAIL_TESTBED_NODE_IMAGE']
// a cluster of its own: nothing else on this machine is called like it, and the kubeconfig of the person who looks on stays as it is
const env = {
  ...process.env,
  KSAIL_CLUSTER_NAME: `demo-${process.pid}`,
  KUBECONFIG: kubeconfig,
  ...(nodeImage === undefined ? {} : { KSAIL_NODE_IMAGE: nodeImage }),
}
const program = join(assetRoot(), 'dist', 'bin', 'ksail.js')

const say = (text: string): void => void process.stdout.write(`\n# ${text}\n`)

/** Children get Ctrl-C from us, so that `down` still runs after it. */
let interrupted = false
let stopChild: (() => void) | undefined
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    interrupted = true
    stopChild?.()
  })

const run = (file: string, words: readonly string[], { shown, cleanup = false }: { shown: string; cleanup?: boolean }): Promise<string> =>
  new Promise((resolve, reject) => {
    if (interrupted && !cleanup) return reject(new Error('interrupted'))
    process.stdout.write(`$ ${shown}\n`)
    const child = spawn(file, words, { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'], detached: true })
    stopChild = cleanup ? undefined : () => child.kill('SIGINT')
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => void (output += chunk))
    child.once('error', reject)
    child.once('close', (status) => {
      process.stdout.write(output)
      if (status === 0) resolve(output.trim())
      else reject(new Error(`${shown} ended with status ${status}`))
    })
  })

const ksail = (...words: string[]): Promise<string> => run(process.execPath, [program, ...words], { shown: `ksail ${words.join(' ')}` })
const liveMessage = async (): Promise<string> => {
  const words = ['get', 'configmap', 'greeting', '--namespace', 'default', '--output', 'jsonpath={.data.message}{"\\n"}']
  // where ksail made it itself, it is in its cache and not on PATH
  return run(await createContext().locate(tools.kubectl), ['--kubeconfig', kubeconfig, ...words], {
    shown: `kubectl ${words.slice(0, 3).join(' ')} --output jsonpath='{.data.message}'`,
  })
}

const demo = async (): Promise<void> => {
  // one document that names another cluster would refuse the demo's own name
  const text = readFileSync(join(assetRoot(), 'examples', 'hello', 'ksail.yaml'), 'utf8')
  cpSync(join(assetRoot(), 'examples', 'hello'), folder, { recursive: true })
  writeFileSync(join(folder, 'ksail.yaml'), text.replace('name: hello', `name: ${env.KSAIL_CLUSTER_NAME}`))
  say(`a project made of examples/hello, in ${folder}`)
  say('one word makes the cluster, the registry beside it and Flux, and waits until the folder k8s/ is live')
  await ksail('up')
  await liveMessage()

  say('a change: the message in k8s/greeting.yaml')
  const greeting = join(folder, 'k8s', 'greeting.yaml')
  const message = `hello again at ${new Date().toISOString()}`
  writeFileSync(greeting, readFileSync(greeting, 'utf8').replace('message: hello', `message: ${message}`))
  await ksail('workload', 'push')
  await ksail('workload', 'reconcile')
  const live = await liveMessage()
  if (live !== message) throw new Error(`the cluster says "${live}", not "${message}"`)
  say('live: the cluster says what the file says')
}

const main = async (): Promise<number> => {
  const start = performance.now()
  try {
    await demo()
    return 0
  } catch (error) {
    process.stderr.write(`✗ ${error instanceof Error ? error.message : String(error)}\n`)
    return interrupted ? 130 : 1
  } finally {
    say('down removes everything that up made')
    await run(process.execPath, [program, 'down', '--yes'], { shown: 'ksail down --yes', cleanup: true })
    rmSync(folder, { recursive: true, force: true })
    say(`took ${((performance.now() - start) / 1000).toFixed(0)} s`)
  }
}

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`✗ ${error instanceof Error ? error.message : String(error)}\n`)
  return 1
})
