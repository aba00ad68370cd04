import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually, KSAIL, output, start } from '../bed/programs.ts'
import { beforeRetry } from '../bed/project.ts'
import { describeOnKind, docker, inventory, kindProject, mustNotExist, processesLeft } from './bed.ts'
import { killAndConverge, litter, moments } from './moments.ts'

const NAME = 'e2e-kill'
const NO_NODE = 'localhost/e2e-kill-no-node:1'
const nothing = { containers: [], volumes: [] }

describeOnKind('a create that is cut off', () => {
  const own = kindProject(NAME)
  const record = join(process.env['XDG_STATE_HOME'] as string, 'ksail/clusters', `${NAME}.json`)
  const gone = async (): Promise<void> => {
    expect(await inventory(NAME)).toEqual(nothing)
    expect(await processesLeft(NAME)).toEqual([])
    expect(existsSync(record)).toBe(false)
    expect(litter()).toEqual([])
    const kubeconfig = process.env['KUBECONFIG'] as string
    expect(existsSync(kubeconfig) ? readFileSync(kubeconfig, 'utf8') : '').not.toContain(NAME)
  }

  beforeAll(async () => {
    await mustNotExist(NAME)
    await own.ok('cluster', 'init', '--name', NAME, '--distribution', 'Vanilla', '--gitops-engine', 'Flux')
  })
  afterAll(() => own.remove())
  beforeRetry(() => own.ok('cluster', 'delete', '--yes'))

  it('undoes what it made when a step fails, and keeps it with --retain', async () => {
    const broken = kindProject(NAME, { folder: own.folder, env: { KSAIL_NODE_IMAGE: 'localhost:1/no-such-node:1' } })
    const result = await broken.ksail('cluster', 'create')
    expect(result, result.stderr).toMatchObject({ code: 1, stdout: '' })
    expect(result.stderr).toContain('localhost:1/no-such-node:1')
    await gone()
    // one that is there and cannot run: kind looks for the other one four times, ten seconds in all
    await output('sh', '-c', `tar -c --files-from /dev/null | docker import - ${NO_NODE}`)
    const unfit = kindProject(NAME, { folder: own.folder, env: { KSAIL_NODE_IMAGE: NO_NODE } })
    const retained = await unfit.ksail('cluster', 'create', '--retain')
    await docker('rmi', NO_NODE)
    expect(retained, retained.stderr).toMatchObject({ code: 1 })
    expect(await inventory(NAME)).toEqual({ containers: [`${NAME}-local-registry`], volumes: [`${NAME}-local-registry`] })
    await own.ok('cluster', 'delete', '--yes')
    await gone()
  })

  it('ends by SIGTERM with 143 and leaves nothing', async () => {
    const create = own.start('cluster', 'create')
    await create.line(/✔ registry /)
    create.child.kill('SIGTERM')
    const result = await create.done
    expect(result, result.stderr).toMatchObject({ code: 143, stdout: '' })
    await gone()
  })

  it('ends by Ctrl-C with 130: its children end, what it made is gone, the terminal is as it was', async () => {
    const script = 'trap : INT; stty -g > before; "$NODE" "$KSAIL_JS" cluster create; echo $? > code; stty -g > after'
    const terminal = start('script', ['-qefc', `sh -c '${script}'`, '/dev/null'], {
      cwd: own.folder,
      env: { ...own.provider.env(), NODE: process.execPath, KSAIL_JS: KSAIL, TERM: 'xterm-256color', SHELL: '/bin/sh' },
    })
    // once the kubelet runs in the node, kind is in the middle of its longest step
    await eventually(
      () => docker('ps', '-q', '--filter', `name=^/?${NAME}-control-plane$`),
      (id) => id !== '',
      60_000,
    )
    terminal.child.stdin?.write('\x03')
    const { stdout } = await terminal.done
    const read = (file: string): string => readFileSync(join(own.folder, file), 'utf8').trim()
    expect(read('code'), stdout).toBe('130')
    expect(read('after')).toBe(read('before'))
    expect(stdout.lastIndexOf('\x1b[?25l'), 'the cursor is shown again').toBeLessThanOrEqual(stdout.lastIndexOf('\x1b[?25h'))
    await gone()
    expect(readdirSync(join(own.folder, '.ksail/logs')), 'logs of the node were saved before it went').toContain(
      `${NAME}-control-plane.log`,
    )
  })

  it.each(moments.filter(({ always }) => always))('by SIGKILL when $title: the same command converges', (moment) =>
    killAndConverge(own, moment),
  )
})
