import { describe, expect, it } from 'vitest'
import { KsailError } from '../../../lib/base/errors.ts'
import type { Tool } from '../../../lib/base/tool.ts'
import { needTools } from '../../../lib/tools/need.ts'

const lacking =
  (...names: readonly string[]) =>
  async ({ name }: Tool): Promise<string> => {
    if (names.includes(name))
      throw new KsailError('tool', `${name} is needed; looked in`, {
        details: [
          `1. KSAIL_TOOL_${name.toUpperCase()}: not set`,
          `2. PATH: no ${name} in /bin`,
          `3. cache: ${name} is not in the cache`,
          `4. download: ${name}.example.com does not answer`,
          '5. go: no go on PATH',
        ],
      })
    return `/bin/${name}`
  }

describe('needTools', () => {
  it('is content when all are there', async () => {
    await expect(needTools({ locate: lacking() }, ['kind', 'flux', 'kind'])).resolves.toBeUndefined()
  })

  it('says everything about one that is missing', async () => {
    await expect(needTools({ locate: lacking('flux') }, ['kind', 'flux'])).rejects.toMatchObject({
      code: 'tool',
      message: 'flux is needed; looked in',
      details: { length: 5 },
    })
  })

  it('names all that are missing, a line each, and once what holds for all', async () => {
    await expect(needTools({ locate: lacking('flux', 'kind') }, ['kind', 'kubectl', 'flux'])).rejects.toMatchObject({
      exitCode: 6,
      message: '2 tools are needed that are not here',
      details: [
        expect.stringMatching(/^kind \([^)]+\); download: kind\.example\.com does not answer$/),
        expect.stringMatching(/^flux \([^)]+\); download: flux\.example\.com does not answer$/),
        'go: no go on PATH',
      ],
    })
  })

  it('lets what is no missing tool through, such as an interruption', async () => {
    const locate = async ({ name }: Tool): Promise<string> => {
      throw name === 'kind' ? new KsailError('tool', 'missing') : new KsailError('refused', 'a hash that does not match')
    }
    await expect(needTools({ locate }, ['kind', 'flux'])).rejects.toMatchObject({ code: 'refused' })
  })
})
