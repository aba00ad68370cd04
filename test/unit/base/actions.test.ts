import { describe, expect, it } from 'vitest'
import { perform, type Action } from '../../../lib/base/actions.ts'
import { KsailError } from '../../../lib/base/errors.ts'
import { fakeContext } from '../../fakes/context.ts'

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('perform', () => {
  it('starts each action as early as what it needs allows', async () => {
    const log: string[] = []
    const action = (title: string, after: readonly string[] = [], ticks = 1): Action => ({
      title,
      after,
      do: async () => {
        log.push(`${title}+`)
        for (let i = 0; i < ticks; i++) await tick()
        log.push(`${title}-`)
      },
    })
    await perform(fakeContext(), [action('a', [], 3), action('b', [], 1), action('c', ['b']), action('d', ['a', 'c'])])
    expect(log.slice(0, 2)).toEqual(['a+', 'b+'])
    expect(log.indexOf('c+')).toBeLessThan(log.indexOf('a-'))
    expect(log.slice(-2)).toEqual(['d+', 'd-'])
  })

  it('undoes what this run made, last first, and throws the first failure', async () => {
    const log: string[] = []
    const made = (title: string): Action => ({ title, do: async (undo) => undo(async () => void log.push(`undo ${title}`)) })
    const failing: Action = { title: 'c', after: ['a', 'b'], do: () => Promise.reject(new KsailError('failed', 'c broke')) }
    const before = async (): Promise<void> => void log.push('logs')
    await expect(
      perform(
        fakeContext(),
        [made('a'), { ...made('b'), after: ['a'] }, failing, { title: 'd', after: ['c'], do: async () => void log.push('d') }],
        { beforeUndo: before },
      ),
    ).rejects.toThrow('c broke')
    expect(log).toEqual(['logs', 'undo b', 'undo a'])
  })

  it('says once what it undoes, although that was made in parts', async () => {
    const ctx = fakeContext()
    const parts: Action = {
      title: 'registry',
      do: async (undo) => {
        for (let part = 0; part < 2; part++) undo(async () => undefined)
        throw new KsailError('failed', 'no')
      },
    }
    await expect(perform(ctx, [parts])).rejects.toThrow('no')
    expect(ctx.texts().filter((text) => text.startsWith('undoing'))).toEqual(['undoing: registry'])
  })

  it('undoes an action that failed half way, because it told what it made before', async () => {
    const log: string[] = []
    const half: Action = {
      title: 'a',
      do: async (undo) => {
        undo(async () => void log.push('undo'))
        throw new KsailError('failed', 'half')
      },
    }
    await expect(perform(fakeContext(), [half])).rejects.toThrow('half')
    expect(log).toEqual(['undo'])
  })

  it('keeps everything with retain', async () => {
    const log: string[] = []
    const actions: Action[] = [
      { title: 'a', do: async (undo) => undo(async () => void log.push('undo')) },
      { title: 'b', after: ['a'], do: () => Promise.reject(new KsailError('failed', 'no')) },
    ]
    await expect(perform(fakeContext(), actions, { retain: true })).rejects.toThrow('no')
    expect(log).toEqual([])
  })

  it('aborts the others when one fails, and waits for them before it undoes', async () => {
    const log: string[] = []
    const slow: Action = {
      title: 'slow',
      do: (_undo, signal) =>
        new Promise((_, reject) =>
          signal.addEventListener(
            'abort',
            () =>
              void tick().then(() => {
                log.push('ended')
                reject(signal.reason)
              }),
          ),
        ),
    }
    const failing: Action = {
      title: 'bad',
      do: async (undo) => {
        undo(async () => void log.push('undo'))
        await tick()
        throw new KsailError('failed', 'bad')
      },
    }
    await expect(perform(fakeContext(), [slow, failing])).rejects.toThrow('bad')
    expect(log).toEqual(['ended', 'undo'])
  })

  it('tells of an undo that fails and goes on with the others', async () => {
    const ctx = fakeContext()
    const log: string[] = []
    const actions: Action[] = [
      { title: 'a', do: async (undo) => undo(async () => void log.push('a')) },
      {
        title: 'b',
        after: ['a'],
        do: async (undo) => {
          undo(() => Promise.reject(new Error('stuck')))
          throw new KsailError('failed', 'b')
        },
      },
    ]
    await expect(perform(ctx, actions)).rejects.toThrow('b')
    expect(log).toEqual(['a'])
    expect(ctx.events).toContainEqual({ kind: 'warn', text: 'could not undo "b": stuck' })
  })

  it('ends with the interrupt when there was one', async () => {
    const stop = new AbortController()
    const ctx = fakeContext({ signal: stop.signal })
    const waiting: Action = {
      title: 'a',
      do: (_undo, signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('some child died')))),
    }
    const run = perform(ctx, [waiting])
    stop.abort(new KsailError('interrupted', 'interrupted'))
    await expect(run).rejects.toMatchObject({ code: 'interrupted' })
  })
})
