/**
 * Answers: what changes inside a file? Unified diffs with every secret masked on both sides before they are
 * compared, so that no line of a diff can show one.
 */
import { Change, FileState, Masking } from "@kata-deploy/core"
import { TextDiff } from "effect"
import type { Paint } from "./Paint.ts"
import { isKept, type KnownTexts, sourceOf } from "./KnownTexts.ts"
import { count } from "./Prose.ts"

/** Beyond this many changed lines a diff no longer has to be the smallest one. */
const maxEdits = 2000

const masked = (state: FileState.FileState): string =>
  state._tag === "File" ? Masking.maskSecrets(state.text) : ""

/** The unified diff of a change of text, or `undefined` where no text changes. */
export const unified = (change: Change.Change): string | undefined => {
  const { after, before, path } = change
  if (Change.isNoop(change) || (before._tag !== "File" && after._tag !== "File")) return undefined
  if (before._tag === "File" && after._tag === "File" && before.text === after.text) return undefined
  const diff = TextDiff.unified(TextDiff.lines(masked(before), masked(after), { maxEdits }), {
    fromFile: before._tag === "File" ? path : "/dev/null",
    toFile: after._tag === "File" ? path : "/dev/null",
  })
  return diff === "" && before._tag === after._tag
    ? `--- ${path}\n+++ ${path}\n(only values that are not shown differ)\n`
    : diff
}

const tone = (paint: Paint, line: string): string => {
  if (line.startsWith("+")) return paint("green", line)
  if (line.startsWith("-")) return paint("red", line)
  return line.startsWith("@@") ? paint("cyan", line) : paint("dim", line)
}

/** How many lines of a file that comes or goes as a whole are shown to people. */
const shownOfWhole = 40

const folded = (all: ReadonlyArray<string>, paint: Paint): ReadonlyArray<string> => {
  // A line or two more than the note would take are no reason to cut.
  if (all.length <= shownOfWhole + 2) return all.map((line) => tone(paint, line))
  return [
    ...all.slice(0, shownOfWhole).map((line) => tone(paint, line)),
    paint("dim", `… ${all.length - shownOfWhole} more lines; --output json has them all`),
  ]
}

/** Lines of a unified diff without its header, since the step above names the file. */
const body = (diff: string): ReadonlyArray<string> => diff.replace(/\n$/, "").split("\n").slice(2)

const lineCount = (text: string): number => text.replace(/\n$/, "").split("\n").length

const created = (
  change: Change.Change,
  text: string,
  paint: Paint,
  known: KnownTexts,
): ReadonlyArray<string> => {
  if (isKept(change.path)) return [paint("dim", `${count(lineCount(text), "line")}, as in the archive`)]
  const copied = known.present.get(text)
  if (copied !== undefined) return [paint("dim", `a copy of ${copied} as it is now`)]
  const source = sourceOf(known, change.path)
  if (source === undefined) return folded(body(unified(change) ?? ""), paint)
  const against = unified({ ...change, before: FileState.file(source) })
  return against === undefined
    ? [paint("dim", `${count(lineCount(text), "line")}, the same as in the archive`)]
    : [paint("dim", "compared with the archive's text:"), ...body(against).map((line) => tone(paint, line))]
}

/**
 * The diff as it stands below a step. A file that comes or goes as a whole is cut after its first lines; a Kata
 * configuration is held against the one in its archive.
 */
export const lines = (change: Change.Change, paint: Paint, known: KnownTexts): ReadonlyArray<string> => {
  if (change.before._tag === "Absent" && change.after._tag === "File" && change.after.text !== "")
    return created(change, change.after.text, paint, known)
  const text = unified(change)
  if (text === undefined || text === "") return []
  const isWhole = change.before._tag !== "File" || change.after._tag !== "File"
  return isWhole ? folded(body(text), paint) : body(text).map((line) => tone(paint, line))
}
