/**
 * Answers: where in a TOML text are the statements in front of the first table header (or the next one), and the members
 * of an array among them? Offsets only, so that a text of somebody else is edited by cutting and inserting and every other byte
 * stays. Malformed text ends a span at the end of the text; whether the text is TOML is the parser's business.
 */

/** One `key = value` of the root section. */
export interface Statement {
  /** The key as it is written, quotes and dots and all. */
  readonly key: string
  /** Offset of the first character of its line. */
  readonly start: number
  /** Offset of the value. */
  readonly value: number
  /** Offset behind the line break that ends it. */
  readonly end: number
}

/** The part of a text in front of the first table header. */
export interface RootSection {
  /** Offset behind byte order mark and template line. */
  readonly start: number
  readonly statements: ReadonlyArray<Statement>
  /** Offset of the line with the first table header, or of the end of the text. */
  readonly end: number
}

/** Offset behind the line break of the line that `at` is in, or of the end of the text. */
export const lineEnd = (text: string, at: number): number => {
  const cut = text.indexOf("\n", at)
  return cut < 0 ? text.length : cut + 1
}

const skip = (text: string, at: number, characters: string): number => {
  let end = at
  while (end < text.length && characters.includes(text[end]!)) end++
  return end
}

/** Offset behind the string that starts at `at`. */
const stringEnd = (text: string, at: number): number => {
  const quote = text[at]!
  const mark = text.startsWith(quote.repeat(3), at) ? quote.repeat(3) : quote
  let end = at + mark.length
  while (end < text.length && !text.startsWith(mark, end)) end += quote === '"' && text[end] === "\\" ? 2 : 1
  end += mark.length
  // A multi-line string may end with up to two quotes of its own in front of the closing three.
  if (mark.length === 3) for (let i = 0; i < 2 && text[end] === quote; i++) end++
  return Math.min(end, text.length)
}

/** Offset behind the value that starts at `at`: a string, an array or inline table, or a bare word. */
const valueEnd = (text: string, at: number): number => {
  let depth = 0
  let end = at
  while (end < text.length) {
    const c = text[end]!
    if (c === '"' || c === "'") {
      end = stringEnd(text, end)
      if (depth === 0) return end
    } else if (c === "[" || c === "{") {
      depth++
      end++
    } else if (c === "]" || c === "}") {
      if (depth === 0) return end
      end++
      if (--depth === 0) return end
    } else if (depth === 0 && (c === "," || c === "#" || c === "\n" || c === "\r")) return end
    else end = c === "#" ? lineEnd(text, end) : end + 1
  }
  return end
}

const keyEnd = (text: string, at: number): number => {
  let end = at
  while (end < text.length && text[end] !== "=" && text[end] !== "\n") {
    end = text[end] === '"' || text[end] === "'" ? stringEnd(text, end) : end + 1
  }
  return end
}

/** Offset behind the brackets of the table header whose first `[` is at `at`; keys in it may hold brackets. */
export const headerEnd = (text: string, at: number): number => valueEnd(text, at)

/** The statements at and below the line that starts at `from`, up to the line of the next table header. */
export const statementsFrom = (text: string, from: number): Pick<RootSection, "statements" | "end"> => {
  const statements: Array<Statement> = []
  let line = from
  while (line < text.length) {
    const at = skip(text, line, " \t")
    if (text[at] === "[") break
    if (at >= text.length || text[at] === "#" || text[at] === "\n" || text[at] === "\r") {
      line = lineEnd(text, at)
      continue
    }
    const equals = keyEnd(text, at)
    const value = skip(text, Math.min(equals + 1, text.length), " \t")
    const end = lineEnd(text, text[equals] === "=" ? valueEnd(text, value) : equals)
    statements.push({ key: text.slice(at, equals).trim(), start: line, value, end })
    line = end
  }
  return { statements, end: Math.min(line, text.length) }
}

/** Finds the statements of the root section; a first line starting with `{{` (a Go template) is no part of it. */
export const scan = (text: string): RootSection => {
  const start = text.startsWith("{{") ? lineEnd(text, 0) : text.startsWith("\uFEFF") ? 1 : 0
  return { start, ...statementsFrom(text, start) }
}

/** One member of an array. */
export interface Member {
  readonly start: number
  readonly end: number
  /** Offset of the comma behind it, if there is one. */
  readonly comma: number | undefined
}

/** Offset of the next character at or behind `at` that is neither white space nor in a comment. */
const nextToken = (text: string, at: number): number => {
  let next = skip(text, at, " \t\r\n")
  while (text[next] === "#") next = skip(text, lineEnd(text, next), " \t\r\n")
  return next
}

/** The members of the array whose `[` is at `at`, and the offset of its `]`. */
export const members = (
  text: string,
  at: number,
): { readonly members: ReadonlyArray<Member>; readonly close: number } => {
  const found: Array<Member> = []
  let next = nextToken(text, at + 1)
  while (next < text.length && text[next] !== "]") {
    const start = next
    let end = valueEnd(text, start)
    while (end > start && " \t".includes(text[end - 1]!)) end--
    next = nextToken(text, end)
    const comma = text[next] === "," ? next : undefined
    found.push({ start, end, comma })
    if (comma === undefined) break
    next = nextToken(text, comma + 1)
  }
  return { members: found, close: next }
}
