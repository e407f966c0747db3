/**
 * Answers: what is a text with some of its characters replaced, and every other one as it was? By offsets, for texts of
 * somebody else.
 */

/** Some characters of a text, and what comes in their place. Several stand in the order of the text. */
export interface Splice {
  readonly from: number
  readonly to: number
  readonly insert: string
}

/** The text with all splices made; their offsets are those of the text before. */
export const apply = (text: string, splices: ReadonlyArray<Splice>): string => {
  const parts: Array<string> = []
  let at = 0
  for (const { from, insert, to } of splices) {
    parts.push(text.slice(at, from), insert)
    at = to
  }
  return [...parts, text.slice(at)].join("")
}
