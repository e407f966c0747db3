/**
 * Answers: what is told to somebody who stopped the program? What stands, what was taken back, and how to go on.
 */
import type { Problem } from "@kata-deploy/core"
import { count, enumerate, sentence } from "../render/Prose.ts"
import type { StopSignal } from "../supervisor/Life.ts"
import type { Course } from "./ProgressDisplay.ts"

/** What is said at once when a signal arrives. */
export const announcement = (signal: StopSignal, which: "first" | "again"): string =>
  which === "first"
    ? `${signal}: stopping at the next safe point.\n`
    : `${signal} again: still stopping; nothing is left half-written.\n`

const standing = ({ current, finished }: Course): string => {
  if (finished.length === 0)
    return current === undefined ? "Nothing had been changed." : "No stage had been finished."
  return finished.length === 1
    ? `Stage ${finished[0]} had been finished, and stands.`
    : `Stages ${enumerate(finished)} had been finished, and stand.`
}

const unfinished = ({ current, notUndone, undoing }: Course): string => {
  if (current === undefined) return ""
  if (notUndone !== undefined)
    return [` What stage ${current.stage} had done could not be taken back completely.`, ...notUndone]
      .map(sentence)
      .join(" ")
  if (undoing) return ` What stage ${current.stage} had done was taken back.`
  return current.changed === 0
    ? ` Stage ${current.stage} had changed nothing yet.`
    : ` Stage ${current.stage} had changed ${count(current.changed, "thing")}, and that stands.`
}

/** The problem to report, and the exit status. */
export const outcome = (
  signal: StopSignal,
  course: Course,
): { readonly problem: Problem.Problem; readonly status: number } => ({
  problem: {
    code: "E_INTERRUPTED",
    message: `The action was stopped by ${signal}. ${standing(course)}${unfinished(course)}`,
    remedy: "Run the same action again to go on, or cleanup to take everything back.",
  },
  status: course.notUndone === undefined ? 1 : 6,
})
