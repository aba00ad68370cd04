const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    row = next
  }
  return row[b.length]!
}

/**
 * The known word that was probably meant; undefined when none is close. Case does not count.
 *
 * @example
 * nearest('clutser', ['cluster', 'workload']) // 'cluster'
 */
export const nearest = (word: string, known: Iterable<string>): string | undefined => {
  const limit = Math.max(2, Math.floor(word.length / 3))
  const ranked = [...known].map((it) => ({ it, far: distance(word.toLowerCase(), it.toLowerCase()) })).toSorted((a, b) => a.far - b.far)
  const best = ranked[0]
  return best !== undefined && best.far <= limit && best.far < word.length ? best.it : undefined
}
