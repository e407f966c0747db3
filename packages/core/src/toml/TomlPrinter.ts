/**
 * Prints the TOML files that are ours from the first byte to the last: same input, same bytes, keys in the order
 * given by the caller. Strings are escaped here and nowhere else (spec 12 W-30).
 */

/** A value that we print. */
export type Value = string | number | boolean | ReadonlyArray<Value> | { readonly [key: string]: Value }

/** A table to print; nested tables become headers of their own. */
export type PrintTable = { readonly [key: string]: Value }

const bare = /^[A-Za-z0-9_-]+$/

/** A key, quoted where it has to be. */
export const key = (name: string): string => (bare.test(name) ? name : string(name))

const escapes: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  '"': '\\"',
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\f": "\\f",
  "\r": "\\r",
}

// oxlint-disable-next-line no-control-regex -- TOML forbids exactly these in basic strings
const forbidden = /[\\"\u0000-\u001f\u007f]/g

const escape = (c: string): string => escapes[c] ?? `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`

/** A basic string; most have nothing to escape, and looking takes less time than replacing. */
export const string = (text: string): string =>
  text.search(forbidden) < 0 ? `"${text}"` : `"${text.replace(forbidden, escape)}"`

const isNested = (value: Value): value is PrintTable => typeof value === "object" && !Array.isArray(value)

const isTableArray = (value: Value): value is ReadonlyArray<PrintTable> =>
  Array.isArray(value) && value.length > 0 && value.every((item) => isNested(item as Value))

/** A value on one line. */
export const inline = (value: Value): string => {
  if (typeof value === "string") return string(value)
  if (Array.isArray(value)) return `[${value.map((item) => inline(item as Value)).join(", ")}]`
  if (isNested(value)) {
    return `{ ${Object.entries(value)
      .map(([k, v]) => `${key(k)} = ${inline(v)}`)
      .join(", ")} }`
  }
  return typeof value === "number" && !Number.isFinite(value) ? special(value) : String(value)
}

const special = (value: number): string => (Number.isNaN(value) ? "nan" : value < 0 ? "-inf" : "inf")

/** Tables that hold only tables get no header of their own. `path` is the dotted path of the table, with a final dot. */
const section = (path: string, table: PrintTable, out: Array<string>, header: string): void => {
  const own: Array<string> = []
  const deeper: Array<readonly [name: string, value: PrintTable | ReadonlyArray<PrintTable>]> = []
  for (const [name, value] of Object.entries(table)) {
    if (isNested(value) || isTableArray(value)) deeper.push([name, value])
    else own.push(`${key(name)} = ${inline(value)}`)
  }
  // The header of an array's member also stands for the member itself.
  if (header !== "" && (own.length > 0 || deeper.length === 0 || header.startsWith("[["))) {
    if (out.length > 0) out.push("")
    out.push(header)
  }
  for (const line of own) out.push(line)
  for (const [name, value] of deeper) {
    const inner = `${path}${key(name)}`
    if (isTableArray(value)) {
      for (const item of value) section(`${inner}.`, item, out, `[[${inner}]]`)
    } else {
      section(`${inner}.`, value as PrintTable, out, `[${inner}]`)
    }
  }
}

/** The lines of a document, without a final newline. */
export const printLines = (table: PrintTable): ReadonlyArray<string> => {
  const out: Array<string> = []
  section("", table, out, "")
  return out
}

/** Documents that were printed last, newest last. */
const lately = new Map<string, PrintTable>()

const mostLately = 4

/** A whole document below a comment block; ends with a newline. */
export const print = (comment: ReadonlyArray<string>, table: PrintTable): string => {
  const text = [
    // oxlint-disable-next-line no-control-regex -- TOML forbids exactly these in comments
    ...comment.map((line) => `# ${line.replace(/[\u0000-\u001f\u007f]/g, " ")}`.trimEnd()),
    ...(comment.length > 0 ? [""] : []),
    ...printLines(table),
    "",
  ].join("\n")
  lately.delete(text)
  if (lately.size >= mostLately) lately.delete(lately.keys().next().value!)
  lately.set(text, table)
  return text
}

/** The table that this very text was printed from, where that was a moment ago: reading it again would take longer. */
export const printedFrom = (text: string): PrintTable | undefined => lately.get(text)
