/**
 * Answers: what does this TOML text say? Reading is by meaning, through the library; texts that belong to somebody
 * else are never printed again from here.
 */
import { Result } from "effect"
import { parse as parseToml } from "toml-patch"

/** A table as parsed; keys in the order of the text. */
export type Table = { readonly [key: string]: unknown }

/** Whether a parsed value is a table (and no array or date, which are objects of other classes). */
export const isTable = (value: unknown): value is Table => {
  if (typeof value !== "object" || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

/** Why a text is no TOML: place (1-based) and the parser's words. */
export interface TomlProblem {
  readonly line: number | undefined
  readonly column: number | undefined
  readonly detail: string
}

/** Texts that were read last with what they said, newest last; tables are never changed, so they can be shared. */
const lately = new Map<string, Result.Result<Table, TomlProblem>>()

/** A plan looks at a main config and at the files that it imports several times; more of them are rare. */
const mostLately = 32

/**
 * Reads a TOML text. A first line starting with `{{` (a Go template) is left out (spec 03 §10). A text that was read a
 * moment ago is not read again.
 */
export const parse = (text: string): Result.Result<Table, TomlProblem> => {
  const known = lately.get(text)
  if (known !== undefined) return known
  const read = parseNow(text)
  if (lately.size >= mostLately) lately.delete(lately.keys().next().value!)
  lately.set(text, read)
  return read
}

const parseNow = (text: string): Result.Result<Table, TomlProblem> => {
  try {
    return Result.succeed(parseToml(splitTemplateLine(text).body) as Table)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const place = /\((\d+), (\d+)\)/.exec(message)
    const lines = message.split("\n")
    return Result.fail({
      line: place === null ? undefined : Number(place[1]),
      column: place === null ? undefined : Number(place[2]),
      detail: lines.at(-1) ?? message,
    })
  }
}

/** The first line of a k3s or RKE2 template, kept verbatim, and the TOML behind it. */
export const splitTemplateLine = (text: string): { readonly template: string; readonly body: string } => {
  if (!text.startsWith("{{")) return { template: "", body: text }
  const end = text.indexOf("\n")
  return end < 0
    ? { template: text, body: "" }
    : { template: text.slice(0, end + 1), body: text.slice(end + 1) }
}

/** The value at a path of keys, or `undefined`. */
export const at = (table: Table, ...keys: ReadonlyArray<string>): unknown => {
  let value: unknown = table
  for (const key of keys) {
    if (!isTable(value) || !Object.hasOwn(value, key)) return undefined
    value = value[key]
  }
  return value
}

/** The table at a path of keys, or `undefined`. */
export const tableAt = (table: Table, ...keys: ReadonlyArray<string>): Table | undefined => {
  const value = at(table, ...keys)
  return isTable(value) ? value : undefined
}

/** The strings of an array at a path of keys; other members are left out. */
export const stringsAt = (table: Table, ...keys: ReadonlyArray<string>): ReadonlyArray<string> => {
  const value = at(table, ...keys)
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : []
}

/**
 * The root `version` of a containerd file. A file that is only half TOML still answers, read line by line: comments
 * are cut, the first table header ends the search, the key has to be exactly `version`. Source: spec 03 §4.
 */
export const declaredVersion = (text: string): number | undefined =>
  Result.match(parse(text), { onSuccess: versionIn, onFailure: () => versionLine(text) })

/** The root `version` of a parsed containerd file. */
export const versionIn = ({ version }: Table): number | undefined =>
  typeof version === "number" && Number.isInteger(version) ? version : undefined

const versionLine = (text: string): number | undefined => {
  for (const raw of text.replace(/^\uFEFF/, "").split("\n")) {
    const line = raw.split("#", 1)[0]!.trim()
    if (line === "") continue
    if (line.startsWith("[")) return undefined
    const match = /^version\s*=\s*(\d+)$/.exec(line)
    if (match !== null) return Number(match[1])
  }
  return undefined
}
