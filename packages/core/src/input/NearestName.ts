/** Answers: which known name did the operator most likely mean? */

/** Edit distance with adjacent transpositions between two short names. */
const distance = (a: string, b: string): number => {
  const rows: Array<Array<number>> = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      let best = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + cost)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, rows[i - 2]![j - 2]! + 1)
      }
      row.push(best)
    }
    rows.push(row)
  }
  return rows[a.length]![b.length]!
}

/**
 * The known name closest to `name`, or `undefined` when none is close enough to be a likely typo: no more than `most`
 * characters are wrong, a third of them where nothing is said.
 */
export const nearestName = (
  name: string,
  known: ReadonlyArray<string>,
  most?: number,
): string | undefined => {
  // What is known already is not misspelt, whatever else is wrong with it.
  if (known.includes(name)) return undefined
  const word = name.toLowerCase().slice(0, 64)
  const limit = most ?? Math.max(1, Math.floor(word.length / 3))
  let best: { readonly name: string; readonly at: number } | undefined
  for (const candidate of known) {
    const at = distance(word, candidate.toLowerCase())
    if (at <= limit && (best === undefined || at < best.at)) best = { name: candidate, at }
  }
  return best?.name
}

/** `" Did you mean X?"` for messages, or nothing. */
export const didYouMean = (name: string, known: ReadonlyArray<string>): string => {
  const nearest = nearestName(name, known)
  return nearest === undefined ? "" : ` Did you mean ${nearest}?`
}
