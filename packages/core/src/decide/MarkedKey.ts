/**
 * Answers: how does one key get into a table of a file that somebody else wrote, and out again? As a line that carries a
 * mark, in front of which the line that said otherwise becomes a comment; taking back needs nothing but the text.
 * For containerd 1.x, whose main config cannot have a table twice. Source: spec 03 §3–§4; 07 §2.
 */
import { Result } from "effect"
import * as Toml from "../toml/Toml.ts"
import * as TomlPrinter from "../toml/TomlPrinter.ts"

/** What is to be set. */
export interface Wanted {
  /** Keys from the root to the table. */
  readonly table: ReadonlyArray<string>
  readonly key: string
  readonly value: boolean
  /** Instance name: the suffix or `default`. */
  readonly instance: string
}

const addedBy = (instance: string): string => ` # set by kata-deploy ${instance}`
const replacedBy = (instance: string): string => `# replaced by kata-deploy ${instance}: `

const isMark = (line: string, instance: string): boolean =>
  line.replace(/\r$/, "").endsWith(addedBy(instance))

/** A text without the instance's lines, and with those back that they replaced; `undefined` where it has none. */
export const take = (text: string, instance: string): string | undefined => {
  const lines = text.split("\n")
  if (!lines.some((line) => isMark(line, instance))) return undefined
  const prefix = replacedBy(instance)
  return lines
    .filter((line) => !isMark(line, instance))
    .map((line) => (line.startsWith(prefix) ? line.slice(prefix.length) : line))
    .join("\n")
}

/** Keys from the root to the innermost table, where each table holds one more and nothing else. */
const keysOf = (table: Toml.Table): ReadonlyArray<string> =>
  Object.entries(table).flatMap(([key, inner]) => [key, ...keysOf(inner as Toml.Table)])

/** The keys of a table's header; none for every other line. */
const headerOf = (line: string): ReadonlyArray<string> =>
  /^\s*\[[^[]/.test(line) ? keysOf(Result.getOrElse(Toml.parse(line.trim()), () => ({}))) : []

const isSame = (a: ReadonlyArray<string>, b: ReadonlyArray<string>): boolean =>
  a.length === b.length && a.every((key, at) => key === b[at])

/** Whether a text has the table with a header of its own. */
export const hasHeader = (text: string, table: Wanted["table"]): boolean =>
  text.split("\n").some((line) => isSame(headerOf(line), table))

/** The text with the key set in the table whose header it has; unchanged where it is so already. */
export const set = (text: string, { instance, key, table, value }: Wanted): string => {
  const parsed = Toml.parse(text)
  if (Result.isSuccess(parsed) && Toml.at(parsed.success, ...table, key) === value) return text
  const lines = text.split("\n")
  const header = lines.findIndex((line) => isSame(headerOf(line), table))
  if (header < 0) return text
  const next = lines.findIndex((line, at) => at > header && /^\s*\[/.test(line))
  const end = next < 0 ? lines.length : next
  const says = new RegExp(`^\\s*["']?${key}["']?\\s*=`)
  const line = `${TomlPrinter.key(key)} = ${value}${addedBy(instance)}${lines[header]!.endsWith("\r") ? "\r" : ""}`
  // A header that ends the text without a line break gets one, and it goes with the line.
  return [
    ...lines.slice(0, header + 1),
    line,
    ...lines
      .slice(header + 1, end)
      .map((each) => (says.test(each) ? `${replacedBy(instance)}${each}` : each)),
    ...lines.slice(end),
  ].join("\n")
}
