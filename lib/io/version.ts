import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { assetRoot } from './host.ts'

/** The version of this package. */
export const version = (): string => (JSON.parse(readFileSync(join(assetRoot(), 'package.json'), 'utf8')) as { version: string }).version
