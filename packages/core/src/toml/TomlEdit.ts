/**
 * Answers: how does one value in a TOML text of somebody else change? Comments, order and layout of everything else
 * stay, and so does a first line that is a Go template. Source: spec 03 §10.
 */
import { Equal, Result } from "effect"
import { patch } from "toml-patch"
import * as Toml from "./Toml.ts"
import * as TomlPrinter from "./TomlPrinter.ts"

/** Why an edit cannot be made: the text is no TOML, or something else stands in the way. */
export type EditProblem = "E_TOML_PARSE" | "E_NOT_A_TABLE" | "E_TOML_NOT_ARRAY" | "E_TOML_NOT_FOUND"

/** A path of keys; a dot inside a key is part of the key. */
export type Path = ReadonlyArray<string>

/** A text, and what it says. */
export interface Document {
  readonly text: string
  readonly table: Toml.Table
}

const read = (text: string): Result.Result<Toml.Table, EditProblem> =>
  Result.mapError(Toml.parse(text), () => "E_TOML_PARSE" as const)

/** The text with the meaning of `table`, changed as little as the library can; many changes take no longer than one. */
export const rewrite = (text: string, table: Toml.Table): Result.Result<Document, EditProblem> => {
  const { body, template } = Toml.splitTemplateLine(text)
  const patched = patch(body, table)
  const ended = patched === "" || patched.endsWith("\n") || /[^\n]$/.test(body) ? patched : `${patched}\n`
  // A text that was empty does not get a blank line in front of its first table.
  const edited = template + (body.trim() === "" ? ended.replace(/^\n+/, "") : ended)
  return Result.map(read(edited), (says) => ({ text: edited, table: says }))
}

/** `table` with `value` at `path`; parents are made, and fail where something else than a table stands. */
const withValue = (table: Toml.Table, path: Path, value: unknown): Result.Result<Toml.Table, EditProblem> => {
  const [key, ...rest] = path
  if (key === undefined) return Result.fail("E_NOT_A_TABLE")
  if (rest.length === 0) return Result.succeed({ ...table, [key]: value })
  const inner = Object.hasOwn(table, key) ? table[key] : {}
  return Toml.isTable(inner)
    ? Result.map(withValue(inner, rest, value), (changed) => ({ ...table, [key]: changed }))
    : Result.fail("E_NOT_A_TABLE")
}

/** `table` without the key at `path`; tables that it was the last one of stay, empty. */
export const withoutKey = (table: Toml.Table, path: Path): Toml.Table => {
  const [key, ...rest] = path
  if (key === undefined || !Object.hasOwn(table, key)) return table
  if (rest.length === 0) return Object.fromEntries(Object.entries(table).filter(([name]) => name !== key))
  const inner = table[key]
  return Toml.isTable(inner) ? { ...table, [key]: withoutKey(inner, rest) } : table
}

/** The value at a path. */
export const get = (text: string, path: Path): Result.Result<unknown, EditProblem> =>
  Result.flatMap(read(text), (table) => {
    const value = Toml.at(table, ...path)
    return value === undefined ? Result.fail("E_TOML_NOT_FOUND") : Result.succeed(value)
  })

/** The members of the array at a path; none where there is no such key. */
export const getArray = (text: string, path: Path): Result.Result<ReadonlyArray<unknown>, EditProblem> =>
  Result.flatMap(read(text), (table) => {
    const value = Toml.at(table, ...path) ?? []
    return Array.isArray(value) ? Result.succeed(value) : Result.fail("E_TOML_NOT_ARRAY")
  })

/**
 * The document with another value on its line, and not one byte changed elsewhere: for a value that is written as we
 * write it, on a line that is there once. `undefined` for every other layout.
 */
const onItsLine = ({ table, text }: Document, path: Path, value: unknown): Document | undefined => {
  const line = (written: unknown): string =>
    `\n${TomlPrinter.key(path.at(-1) ?? "")} = ${TomlPrinter.inline(written as TomlPrinter.Value)}\n`
  const parts = text.split(line(Toml.at(table, ...path)))
  if (parts.length !== 2) return undefined
  const edited = parts.join(line(value))
  const says = read(edited)
  // Such a line in another table, or in a string, would leave the value as it was.
  return Result.isSuccess(says) && Equal.equals(Toml.at(says.success, ...path), value)
    ? { text: edited, table: says.success }
    : undefined
}

/**
 * The document with `value` at `path`; unchanged, byte for byte, where it is there already. A single line is changed
 * where that is enough, since the library takes ten times as long and drops white space at the ends of lines.
 */
export const setIn = (
  document: Document,
  path: Path,
  value: unknown,
): Result.Result<Document, EditProblem> => {
  if (Equal.equals(Toml.at(document.table, ...path), value)) return Result.succeed(document)
  const edited = onItsLine(document, path, value)
  return edited === undefined
    ? Result.flatMap(withValue(document.table, path, value), (changed) => rewrite(document.text, changed))
    : Result.succeed(edited)
}

/** The same of a text that nobody has read yet. */
export const set = (text: string, path: Path, value: unknown): Result.Result<string, EditProblem> =>
  Result.flatMap(read(text), (table) => setIn({ text, table }, path, value)).pipe(
    Result.map((edited) => edited.text),
  )

/** The text without the key at `path`; unchanged where there is none. */
export const unset = (text: string, path: Path): Result.Result<string, EditProblem> =>
  Result.flatMap(read(text), (table) =>
    Toml.at(table, ...path) === undefined
      ? Result.succeed(text)
      : Result.map(rewrite(text, withoutKey(table, path)), (edited) => edited.text),
  )
