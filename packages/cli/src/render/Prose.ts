/** Answers: where do lines break? Prose wraps at words; paths and command lines stay whole. */

/** Columns; prose is hard to read in longer lines, however wide the terminal is. */
export const widest = 100

/** Breaks text at blanks; no line is wider than `columns`, unless a single word is. */
export const wrap = (text: string, columns: number): ReadonlyArray<string> => {
  const width = Math.min(columns, widest)
  return text.split("\n").flatMap((paragraph) => {
    const lines: Array<string> = []
    let line = ""
    for (const word of paragraph.split(" ")) {
      if (line !== "" && line.length + 1 + word.length > width) {
        lines.push(line)
        line = word
      } else {
        line = line === "" ? word : `${line} ${word}`
      }
    }
    return [...lines, line]
  })
}

/** Wrapped text, its first line behind `first`, the others indented by as many blanks. */
export const hanging = (first: string, text: string, columns: number): ReadonlyArray<string> => {
  const indent = " ".repeat(first.length)
  return wrap(text, Math.max(20, columns - first.length)).map(
    (line, at) => `${at === 0 ? first : indent}${line}`,
  )
}

/** A command line, broken with backslashes between its parts; `first` stands in front of it, `indent` further down. */
export const commandLines = (
  first: string,
  indent: string,
  parts: ReadonlyArray<string>,
  columns: number,
): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let line = first
  for (const part of parts) {
    // Two columns are kept for the blank and the backslash.
    if (line !== first && line.length + 1 + part.length > columns - 2) {
      lines.push(`${line} \\`)
      line = `${indent}${part}`
    } else {
      line = `${line} ${part}`
    }
  }
  return [...lines, line]
}

/** A clause as a sentence, with a full stop where it ends without one. */
export const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`)

/** `1 change`, `2 changes`. */
export const count = (number: number, one: string, many = `${one}s`): string =>
  `${number} ${number === 1 ? one : many}`

/** `a, b and c`. */
export const enumerate = (items: ReadonlyArray<string>): string =>
  items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`

/** Bytes as people read them: `812 B`, `32.4 MB`. */
export const bytes = (number: number): string => {
  if (number < 1000) return `${Math.round(number)} B`
  if (number < 1_000_000) return `${(number / 1000).toFixed(1)} kB`
  if (number < 1_000_000_000) return `${(number / 1_000_000).toFixed(1)} MB`
  return `${(number / 1_000_000_000).toFixed(2)} GB`
}
