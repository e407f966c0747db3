/** Answers: why does what stands where a file of ours was stay when that file goes, and what is said of it? */
import * as FactsOf from "../input/Facts.ts"
import type { Notice } from "../input/Problem.ts"
import type * as HostPath from "../model/HostPath.ts"
import type { Ledger } from "./Ledger.ts"
import * as MovedAway from "./MovedAway.ts"

/** Why it is left alone, as the end of a sentence about it; `undefined` when it goes, or is gone. */
export const why = (facts: FactsOf.Facts, ledger: Ledger, path: HostPath.HostPath): string | undefined => {
  const state = FactsOf.at(facts, path)
  if (state._tag === "Absent") return undefined
  if (state._tag === "Directory") return "is a directory now"
  if (state._tag === "Unreadable") return `is not readable (${state.detail}) now`
  const link = MovedAway.linkAbove(facts, ledger, path)
  return link && `is behind ${link} now, which somebody made a link`
}

/** What is said of it. */
export const notice = (path: HostPath.HostPath, reason: string): Notice => ({
  code: "owned-file-not-removed",
  severity: "warning",
  message: `${path} was a file of ours and ${reason}, so it stays.`,
  remedy: "Look at it, and remove it if nobody needs it.",
})
