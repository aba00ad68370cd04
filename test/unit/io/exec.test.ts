import { mkdtempSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ExecError, KsailError } from '../../../lib/base/errors.ts'
import type { Event } from '../../../lib/base/events.ts'
import { createExec, createSpawn, formatCommand } from '../../../lib/io/exec.ts'
import { isAlive } from '../../../lib/io/processes.ts'

const node = process.execPath
const settings = (over: Partial<Parameters<typeof createExec>[0]> = {}) => {
  const events: Event[] = []
  return {
    cwd: tmpdir(),
    env: { PATH: process.env['PATH'] },
    report: (event: Event) => void events.push(event),
    signal: new AbortController().signal,
    secrets: new Set<string>(),
    events,
    ...over,
  }
}
const exec = createExec(settings())
const script = (code: string): string[] => ['-e', code]

describe('exec', () => {
  it('hands words over as they are, without a shell', async () => {
    const words = ['a b', '$HOME', '', "it's", 'x;y', '*', 'é"q', '`id`', '\\', '\n']
    const { stdout } = await exec(node, [...script('console.log(JSON.stringify(process.argv.slice(1)))'), '--', ...words])
    expect(JSON.parse(stdout)).toEqual(words)
  })

  it('is not hijacked by ZX_ variables', async () => {
    const before = { ...process.env }
    Object.assign(process.env, { ZX_PREFIX: 'echo HIJACK;', ZX_VERBOSE: 'true', ZX_SHELL: '/bin/false' })
    try {
      expect((await exec(node, script('console.log(1)'))).stdout).toBe('1\n')
    } finally {
      process.env = before
    }
  })

  it('keeps characters whole that fall on the border of two chunks', async () => {
    const { stdout } = await exec(node, script("process.stdout.write('aé漢😀'.repeat(200_000))"))
    expect(stdout.includes('\uFFFD')).toBe(false)
    expect(stdout.length).toBe('aé漢😀'.length * 200_000)
  })

  it('gives lines as they come, and the last one without a line end', async () => {
    const seen: string[] = []
    await exec(node, script("console.log('a'); console.error('b'); process.stdout.write('c')"), {
      onLine: (line, stream) => void seen.push(`${stream} ${line}`),
    })
    expect(seen.toSorted()).toEqual(['stderr b', 'stdout a', 'stdout c'])
  })

  it('closes stdin unless there is input, and hands input over', async () => {
    const read = "let s='';process.stdin.on('data',d=>s+=d).on('end',()=>console.log('got '+s))"
    expect((await exec(node, script(read))).stdout).toBe('got \n')
    expect((await exec(node, script(read), { input: 'hello' })).stdout).toBe('got hello\n')
    expect((await exec(node, script(read), { input: '' })).stdout).toBe('got \n')
  })

  it('survives a child that ends without reading its input', async () => {
    expect((await exec(node, script('process.exit(0)'), { input: 'x'.repeat(5_000_000) })).exitCode).toBe(0)
  })

  it('throws the exit status and the last words of the child', async () => {
    const error = await exec(node, script("console.error('one\\ntwo'); process.exit(3)")).catch((it: unknown) => it)
    expect(error).toBeInstanceOf(ExecError)
    expect(error).toMatchObject({ code: 'exec', exitCode: 1, details: ['one', 'two'], result: { exitCode: 3 } })
    expect((await exec(node, script('process.exit(3)'), { accept: [3] })).exitCode).toBe(3)
  })

  it('says which program is missing', async () => {
    await expect(exec('/nowhere/kind', ['version'])).rejects.toMatchObject({
      code: 'tool',
      message: expect.stringContaining('/nowhere/kind'),
    })
  })

  it('ends a child that takes too long, with what it started', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ksail-exec-'))
    // a shell: Node may take longer to start than it is given here
    const run = exec('/bin/sh', ['-c', 'sleep 1000 & echo $! > "$0"; wait', join(folder, 'pid')], { timeout: 1500 })
    await expect(run).rejects.toMatchObject({ code: 'timeout', exitCode: 5 })
    const grandchild = Number(await readFile(join(folder, 'pid'), 'utf8'))
    await expect.poll(() => isAlive(grandchild)).toBe(false)
  })

  it('ends with the reason of an interrupt, and starts nothing after it', async () => {
    const stop = new AbortController()
    const interruptible = createExec(settings({ signal: stop.signal }))
    const run = interruptible(node, script('setInterval(()=>{},1000)'))
    setTimeout(() => stop.abort(new KsailError('interrupted', 'interrupted')), 200)
    await expect(run).rejects.toMatchObject({ code: 'interrupted' })
    await expect(interruptible(node, ['--version'])).rejects.toMatchObject({ code: 'interrupted' })
  })

  it('shows commands as they could be pasted, secrets redacted everywhere', async () => {
    const it = settings({ secrets: new Set(['s3cr3t']) })
    const error = await createExec(it)(node, [...script("console.error('token s3cr3t');process.exit(1)"), 's3cr3t']).catch(
      (thrown: unknown) => thrown,
    )
    expect(JSON.stringify([it.events, (error as ExecError).result, (error as ExecError).details])).not.toContain('s3cr3t')
    expect(formatCommand('/usr/bin/kind', ['create', '--name', "it's a"])).toBe("kind create --name 'it'\\''s a'")
  })

  it('removes variables that are undefined', async () => {
    const { stdout } = await createExec(settings({ env: { PATH: process.env['PATH'], A: '1', B: '2' } }))(
      node,
      script('console.log(process.env.A, process.env.B, process.env.C)'),
      { env: { A: undefined, C: '3' } },
    )
    expect(stdout).toBe('undefined 2 3\n')
  })
})

describe('spawn', () => {
  it('runs until it is stopped', async () => {
    const lines: string[] = []
    let ready!: () => void
    const started = new Promise<void>((resolve) => (ready = resolve))
    const child = createSpawn(settings())(node, script("console.log('up');setInterval(()=>{},1000)"), {
      onLine: (line) => {
        lines.push(line)
        ready()
      },
    })
    await started
    expect(isAlive(child.pid)).toBe(true)
    await child.stop()
    expect(isAlive(child.pid)).toBe(false)
    expect(lines).toEqual(['up'])
  })

  it('tells that it could not start', async () => {
    expect(await createSpawn(settings())('/nowhere/x', []).ended).toMatchObject({
      exitCode: null,
      stderr: expect.stringContaining('ENOENT'),
    })
  })
})
