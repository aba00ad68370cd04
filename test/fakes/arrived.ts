import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'

/** Settles when a file below a folder has as many bytes: what was sent to somebody who writes there has arrived, and a break loses none of it. */
export const arrived = (folder: string, bytes: number): Promise<void> =>
  expect
    .poll(() =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' }).some((name) => {
        const found = statSync(join(folder, name), { throwIfNoEntry: false })
        return found?.isFile() === true && found.size >= bytes
      }),
    )
    .toBe(true)
