/** How many letters must be added, taken away, exchanged or swapped with their neighbour to make one word of the other. */
const distance = (a: string, b: string): number => {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, index) => index)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let cost = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, rows[i - 2]![j - 2]! + 1)
      row.push(cost)
    }
    rows.push(row)
  }
  return rows[a.length]![b.length]!
}

/**
 * The known word that was probably meant; undefined when none is close. Case does not count.
 *
 * @example
 * nearest('distributon', ['distribution', 'provider']) // 'distribution'
 */
export const nearest = (word: string, known: readonly string[]): string | undefined => {
  const wanted = word.toLowerCase()
  const limit = Math.max(1, Math.floor(wanted.length / 3))
  let best: { readonly word: string; readonly cost: number } | undefined
  for (const candidate of known) {
    const lower = candidate.toLowerCase()
    const cost = lower.startsWith(wanted) && wanted.length >= 3 ? 1 : distance(wanted, lower)
    if (cost <= limit && (best === undefined || cost < best.cost)) best = { word: candidate, cost }
  }
  return best?.word
}
