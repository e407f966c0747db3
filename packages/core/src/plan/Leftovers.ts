/** Answers: what did an interrupted run leave lying about, besides what the ledger and the journal name? */
import * as FactsOf from "../input/Facts.ts"
import * as FileState from "../model/FileState.ts"
import type { HostAction } from "./Action.ts"
import * as Change from "./Change.ts"
import { put, type Step } from "./Plan.ts"

/** The steps that take temporary files away. */
export const steps = (facts: FactsOf.Facts): ReadonlyArray<Step<HostAction>> =>
  facts.leftovers.flatMap((path) => {
    const before = FactsOf.at(facts, path)
    return before._tag === "File" || before._tag === "Link"
      ? [put(Change.make(path, before, FileState.absent), "an interrupted run left it behind")]
      : []
  })
