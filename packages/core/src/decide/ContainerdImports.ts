/**
 * Answers: how do elements get into `imports` of a file that is not ours, and out again? By inserting and cutting
 * characters; every other byte stays, so that taking out what was put in gives the very bytes back.
 * Source: spec 03 §5, §10; decisions §3; facts toml-safety §2.
 */
import { Result } from "effect"
import * as RootSection from "../toml/RootSection.ts"
import * as Splice from "../toml/Splice.ts"
import * as Toml from "../toml/Toml.ts"
import * as TomlPrinter from "../toml/TomlPrinter.ts"

/** The lines that an edit replaced, before and after; both are whole lines of the file. */
export interface Region {
  readonly before: string
  readonly after: string
  /** Set where another install created the key `imports`; the last element takes it along all the same. */
  readonly createdKey?: true
}

/** An edited text and the region that changed. */
export interface Edited {
  readonly text: string
  readonly region: Region
}

const insertion = (at: number, insert: string): Splice.Splice => ({ from: at, to: at, insert })

const lineStart = (text: string, at: number): number => text.lastIndexOf("\n", at - 1) + 1

const isBlank = (text: string): boolean => text.trim() === ""

const newlineOf = (text: string): string => (text.includes("\r\n") ? "\r\n" : "\n")

const quoted = (elements: ReadonlyArray<string>): ReadonlyArray<string> => elements.map(TomlPrinter.string)

/** Text, root section and meaning of a file. */
interface Root {
  readonly text: string
  readonly section: RootSection.RootSection
  readonly table: Toml.Table
  /** The statement that sets `imports`. */
  readonly statement: RootSection.Statement | undefined
}

const fail = (detail: string): Result.Result<never, Toml.TomlProblem> =>
  Result.fail({ line: undefined, column: undefined, detail })

const layout = "the file's layout does not take a new import"

const read = (text: string): Result.Result<Root, Toml.TomlProblem> => {
  const section = RootSection.scan(text)
  return Result.map(Toml.parse(text.slice(section.start, section.end)), (table) => ({
    text,
    section,
    table,
    statement: section.statements.find(({ key }) => /^(?:imports|"imports"|'imports')$/.test(key)),
  }))
}

const importsOf = (text: string): ReadonlyArray<string> =>
  Result.match(read(text), {
    onFailure: () => [],
    onSuccess: ({ table }) => Toml.stringsAt(table, "imports"),
  })

/** `text` with `elements` as last members of `imports`; unchanged text and an empty region when all are there already. */
export const add = (text: string, elements: ReadonlyArray<string>): Result.Result<Edited, Toml.TomlProblem> =>
  Result.flatMap(read(text), (root) => {
    const imports = Toml.at(root.table, "imports")
    if (imports !== undefined && !Array.isArray(imports)) return fail("`imports` is no array")
    const entries: ReadonlyArray<unknown> = imports ?? []
    const missing = elements.filter((element) => !entries.includes(element))
    if (missing.length === 0) return Result.succeed({ text, region: { before: "", after: "" } })
    const splices =
      root.statement === undefined ? [newStatement(root, missing)] : newMembers(root, root.statement, missing)
    const edited = Splice.apply(text, splices)
    const expected = [...entries, ...missing]
    const found = importsOf(edited)
    // Where the key is written in another way than we look for, it is there twice now, which is no TOML.
    const holds =
      Result.isSuccess(Toml.parse(edited)) &&
      found.length === expected.length &&
      found.every((entry, at) => entry === expected[at])
    return holds ? Result.succeed({ text: edited, region: regionOf(text, splices) }) : fail(layout)
  })

/** The whole lines that splices change. Insertions at the start of a line stand for themselves. */
const regionOf = (text: string, splices: ReadonlyArray<Splice.Splice>): Region => {
  const from = lineStart(text, splices[0]!.from)
  const last = splices.at(-1)!.to
  const to = last === 0 || text[last - 1] === "\n" ? Math.max(last, from) : RootSection.lineEnd(text, last)
  const start = text.startsWith("\uFEFF") && from === 0 ? 1 : from
  const inside = splices.map((s) => ({ ...s, from: s.from - start, to: s.to - start }))
  const before = text.slice(start, Math.max(start, to))
  return { before, after: Splice.apply(before, inside) }
}

/** A line of its own behind the last statement, or in front of what belongs to the first table. */
const newStatement = ({ section, text }: Root, elements: ReadonlyArray<string>): Splice.Splice => {
  const line = `imports = [${quoted(elements).join(", ")}]${newlineOf(text)}`
  const last = section.statements.at(-1)
  if (last !== undefined) return insertion(text[last.end - 1] === "\n" ? last.end : last.start, line)
  let at = Math.max(section.start, lineStart(text, section.end))
  // Comments right above a table header speak of the table.
  while (section.end < text.length) {
    const above = Math.max(section.start, lineStart(text, at - 1))
    if (!text.slice(above, at).trimStart().startsWith("#")) break
    at = above
  }
  return insertion(at, line)
}

/** Behind the last member, in the manner in which that one is written. */
const newMembers = (
  { text }: Root,
  statement: RootSection.Statement,
  elements: ReadonlyArray<string>,
): ReadonlyArray<Splice.Splice> => {
  const { close, members } = RootSection.members(text, statement.value)
  const last = members.at(-1)
  const literals = quoted(elements)
  if (last === undefined) return [insertion(statement.value + 1, literals.join(", "))]
  const end = RootSection.lineEnd(text, last.comma ?? last.end)
  if (end > close) return [insertion(last.end, `, ${literals.join(", ")}`)]
  const before = text.slice(lineStart(text, last.start), last.start)
  const indent = isBlank(before) ? before : "  "
  const newline = text.slice(0, end).endsWith("\r\n") ? "\r\n" : "\n"
  const separator = `,${newline}${indent}`
  return last.comma === undefined
    ? [insertion(last.end, ","), insertion(end, `${indent}${literals.join(separator)}${newline}`)]
    : [insertion(end, `${indent}${literals.join(separator)},${newline}`)]
}

/**
 * `text` without `elements`: every equal one is taken out of the array, and all else stays. A key that the edit created
 * goes with its last element.
 */
export const remove = (
  text: string,
  elements: ReadonlyArray<string>,
  region: Region | undefined,
): Result.Result<string, Toml.TomlProblem> =>
  Result.map(read(text), (root) => {
    const { statement } = root
    if (statement === undefined || text[statement.value] !== "[") return text
    const without = withoutMembers(root, statement, elements)
    return region !== undefined && createdKey(region) ? withoutEmpty(without) : without
  })

const hasKey = (lines: string): boolean =>
  Result.match(read(lines), { onFailure: () => false, onSuccess: (root) => root.statement !== undefined })

/** Whether the key `imports` is no creation of the operator's. */
export const createdKey = (region: Region): boolean =>
  region.createdKey === true || (hasKey(region.after) && !hasKey(region.before))

const valueOf = (literal: string): unknown =>
  Result.match(Toml.parse(`value = ${literal}`), {
    onFailure: () => undefined,
    onSuccess: (table) => table["value"],
  })

const withoutMembers = (
  { text }: Root,
  statement: RootSection.Statement,
  elements: ReadonlyArray<string>,
): string => {
  let edited = text
  for (;;) {
    const { members } = RootSection.members(edited, statement.value)
    const at = members.findIndex(({ end, start }) => {
      const value = valueOf(edited.slice(start, end))
      return typeof value === "string" && elements.includes(value)
    })
    if (at < 0) return edited
    edited = Splice.apply(edited, withoutMember(edited, members, at))
  }
}

/** Takes out one member with the comma that belongs to it, and its line where nothing else is on it. */
const withoutMember = (
  text: string,
  members: ReadonlyArray<RootSection.Member>,
  at: number,
): ReadonlyArray<Splice.Splice> => {
  const { comma, end, start } = members[at]!
  const previous = members[at - 1]
  const next = members[at + 1]
  const from = lineStart(text, start)
  const behind = comma === undefined ? end : comma + 1
  const to = RootSection.lineEnd(text, behind)
  // Without a comma behind it the one in front would be left over, as none was there before.
  const comma0 = previous?.comma
  const inFront =
    comma === undefined && comma0 !== undefined ? [{ from: comma0, to: comma0 + 1, insert: "" }] : []
  if (
    isBlank(text.slice(from, start)) &&
    isBlank(text.slice(behind, to)) &&
    !text.slice(end, behind).includes("\n")
  ) {
    return [...inFront, { from, to, insert: "" }]
  }
  if (comma0 !== undefined && !text.slice(comma0, start).includes("\n")) {
    return [{ from: comma0, to: end, insert: "" }]
  }
  const gap = next === undefined ? "" : /^[ \t]*/.exec(text.slice(behind))![0]
  return comma === undefined
    ? [...inFront, { from: start, to: end, insert: "" }]
    : [
        { from: start, to: end, insert: "" },
        { from: comma, to: behind + gap.length, insert: "" },
      ]
}

/** An `imports` of ours that is empty goes, unless somebody wrote more than the array on its line. */
const withoutEmpty = (text: string): string => {
  const { statements } = RootSection.scan(text)
  const statement = statements.find(({ key }) => key === "imports")
  if (statement === undefined) return text
  return /^\[\s*\]\s*$/.test(text.slice(statement.value, statement.end))
    ? text.slice(0, statement.start) + text.slice(statement.end)
    : text
}
