#!/usr/bin/env node
/** `npm run bench NAME`: measures on real programs, side by side in one run; prints tables, fails nothing. */
const benches: Readonly<Record<string, () => Promise<{ readonly bench: (words: readonly string[]) => Promise<void> }>>> = {
  chain: () => import('./bench/chain.ts'),
  host: () => import('./bench/host.ts'),
  kind: () => import('./bench/kind.ts'),
  pack: () => import('./bench/pack.ts'),
  start: () => import('./bench/start.ts'),
}

const [name = '', ...words] = process.argv.slice(2)
const load = benches[name]
if (load === undefined) {
  console.error(`usage: npm run bench ${Object.keys(benches).join('|')}`)
  process.exitCode = 2
} else await (await load()).bench(words)
