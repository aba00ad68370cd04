import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { commands } from '../../lib/cli/commands/index.ts'
import { markdownHelp } from '../../lib/cli/help.ts'
import { configSchema } from '../../lib/config/schema.ts'
import { programVariables, rows, variableOf, type Setting } from '../../lib/config/settings.ts'
import { assetRoot } from '../../lib/io/host.ts'

const cell = (text: string): string => text.replaceAll('|', '\\|')
const code = (text: string | undefined): string => (text === undefined ? '' : `\`${cell(text)}\``)

const valuesOf = ({ choices, summary }: Setting): string => cell(choices === undefined ? summary : `${summary}: ${choices.join(', ')}`)

/** The settings as a table of README. */
const settingsTable = (): string =>
  [
    '| key in ksail.yaml | flag | variable | what | default |',
    '| --- | --- | --- | --- | --- |',
    ...rows
      .filter(({ idle }) => idle !== true)
      .map(
        (row) =>
          `| ${[code(row.key), code(row.flag && `--${row.flag}`), code(variableOf(row)), valuesOf(row), code(row.default === undefined ? undefined : String(row.default))].join(' | ')} |`,
      ),
    ...Object.entries(programVariables).map(([name, summary]) => `|  |  | ${code(name)} | ${cell(summary)} |  |`),
  ].join('\n')

/** Puts a text between the markers `<!-- NAME -->` and `<!-- /NAME -->`. */
const between = (readme: string, name: string, text: string): string => {
  const pattern = new RegExp(`(<!-- ${name} -->\n)[^]*?(\n<!-- /${name} -->)`)
  if (!pattern.test(readme)) throw new Error(`README.md has no markers for ${name}`)
  return readme.replace(pattern, (_, open: string, close: string) => `${open}\n${text}\n${close}`)
}

/** Every generated file, by its path in the package. */
export const generated = (root = assetRoot()): Readonly<Record<string, string>> => ({
  'README.md': between(
    between(readFileSync(join(root, 'README.md'), 'utf8'), 'commands', markdownHelp(commands)),
    'settings',
    settingsTable(),
  ),
  'templates/schema/ksail.schema.json': `${JSON.stringify(configSchema(), undefined, 2)}\n`,
})

if (process.argv[1]?.endsWith('generate.js') === true)
  for (const [path, text] of Object.entries(generated())) writeFileSync(join(assetRoot(), path), text)
