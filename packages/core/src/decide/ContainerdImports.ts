/**
 * Answers: how do elements get into `imports` of a file that is not ours, and out again? Only the root section
 * of the text is handed to the editing library; every byte behind it stays. The undo puts the very lines back.
 * Source: spec 03 §5, §10; decisions §3; facts toml-safety §2.
 */
import { Result } from "effect"
import { patch } from "toml-patch"
import * as Toml from "../toml/Toml.ts"

/** The lines that an edit replaced, before and after; both are whole lines of the file. */
export interface Region {
  readonly before: string
  readonly after: string
}

/** An edited text and the region that changed. */
export interface Edited {
  readonly text: string
  readonly region: Region
}

/** Splits off the part in front of the first table header, which alone can hold `imports`. */
const splitRoot = (text: string): { readonly root: string; readonly rest: string } => {
  const header = /^[ \t]*\[/gm
  for (let match = header.exec(text); match !== null; match = header.exec(text)) {
    const root = text.slice(0, match.index)
    // A line starting with `[` inside a multi-line array or string is no header: what is in front does not parse.
    if (Result.isSuccess(Toml.parse(root))) return { root, rest: text.slice(match.index) }
  }
  return { root: text, rest: "" }
}

/** The smallest run of whole lines in which two texts differ. */
const regionBetween = (before: string, after: string): Region => {
  const limit = Math.min(before.length, after.length)
  let start = 0
  while (start < limit && before[start] === after[start]) start++
  let end = 0
  while (end < limit - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end++
  const from = before.lastIndexOf("\n", start - 1) + 1
  const lineEnd = (text: string): number => {
    const at = text.indexOf("\n", text.length - end)
    return end === 0 || at < 0 ? text.length : at + 1
  }
  return { before: before.slice(from, lineEnd(before)), after: after.slice(from, lineEnd(after)) }
}

/** `text` with `elements` as last members of `imports`; unchanged text and an empty region when all are there already. */
export const add = (
  text: string,
  elements: ReadonlyArray<string>,
): Result.Result<Edited, Toml.TomlProblem> => {
  const { body, template } = Toml.splitTemplateLine(text)
  const { rest, root } = splitRoot(body)
  return Result.flatMap(Toml.parse(root), (table) => {
    const imports = Toml.at(table, "imports")
    if (imports !== undefined && !Array.isArray(imports)) {
      return Result.fail({ line: undefined, column: undefined, detail: "`imports` is no array" })
    }
    const entries: ReadonlyArray<unknown> = imports ?? []
    const missing = elements.filter((element) => !entries.includes(element))
    if (missing.length === 0) return Result.succeed({ text, region: { before: "", after: "" } })
    const edited = finishLine(root, patch(root, { ...table, imports: [...entries, ...missing] }), rest)
    const whole = template + edited + rest
    const holds = Result.match(Toml.parse(whole), {
      onFailure: () => false,
      onSuccess: (after) => elements.every((element) => Toml.stringsAt(after, "imports").includes(element)),
    })
    if (!holds) {
      return Result.fail({
        line: undefined,
        column: undefined,
        detail: "the file's layout does not take a new import",
      })
    }
    return Result.succeed({ text: whole, region: regionBetween(body, edited + rest) })
  })
}

/** A root section in front of a table, and a file that ended with a newline, keep ending with one. */
const finishLine = (before: string, after: string, rest: string): string => {
  if (after.endsWith("\n")) return after
  const newline = (before + rest).includes("\r\n") ? "\r\n" : "\n"
  return rest !== "" || before === "" || before.endsWith("\n") ? after + newline : after
}

/**
 * `text` without `elements`. Where the recorded region still stands exactly once, the lines before the edit come
 * back, byte for byte; otherwise every equal element is taken out of the array and all else stays.
 */
export const remove = (
  text: string,
  elements: ReadonlyArray<string>,
  region: Region | undefined,
): Result.Result<string, Toml.TomlProblem> => {
  if (region !== undefined && region.after !== "") {
    const at = text.indexOf(region.after)
    const startsLine = at === 0 || text[at - 1] === "\n" || text.slice(0, at) === "\uFEFF"
    if (at >= 0 && startsLine && text.indexOf(region.after, at + 1) < 0) {
      const restored = text.slice(0, at) + region.before + text.slice(at + region.after.length)
      if (Result.isSuccess(Toml.parse(restored))) return Result.succeed(restored)
    }
  }
  const { body, template } = Toml.splitTemplateLine(text)
  const { rest, root } = splitRoot(body)
  return Result.map(Toml.parse(root), (table) => {
    const entries = Toml.at(table, "imports")
    if (!Array.isArray(entries) || !elements.some((element) => entries.includes(element))) return text
    const kept = entries.filter((entry) => !elements.includes(entry))
    return template + finishLine(root, patch(root, { ...table, imports: kept }), rest) + rest
  })
}
