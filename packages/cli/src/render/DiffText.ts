/**
 * Answers: what changes inside a file? Unified diffs with every secret masked on both sides before they are
 * compared, so that no line of a diff can show one.
 */
import { Change, type FileState, Masking } from "@kata-deploy/core"
import { TextDiff } from "effect"
import type { Paint } from "./Paint.ts"

/** Beyond this many changed lines a diff no longer has to be the smallest one. */
const maxEdits = 2000

const masked = (state: FileState.FileState): string => (state._tag === "File" ? Masking.maskSecrets(state.text) : "")

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
const shownOfWhole = 24

/**
 * The diff as it stands below a step: without its two header lines, since the step names the file. A file that
 * comes or goes as a whole is cut after its first lines.
 */
export const lines = (change: Change.Change, paint: Paint): ReadonlyArray<string> => {
  const text = unified(change)
  if (text === undefined || text === "") return []
  const all = text.replace(/\n$/, "").split("\n").slice(2)
  const isWhole = change.before._tag !== "File" || change.after._tag !== "File"
  // One line more than the note would take is no reason to cut.
  const shown = isWhole && all.length > shownOfWhole + 2 ? all.slice(0, shownOfWhole) : all
  const cut = all.length - shown.length
  return [
    ...shown.map((line) => tone(paint, line)),
    ...(cut === 0 ? [] : [paint("dim", `… ${cut} more lines; --output json has them all`)]),
  ]
}
