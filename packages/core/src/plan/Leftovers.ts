/** Answers: what did an interrupted run leave lying about, besides what the ledger and the journal name? */
import * as TemporaryPlace from "../decide/TemporaryPlace.ts"
import * as FactsOf from "../input/Facts.ts"
import * as FileState from "../model/FileState.ts"
import type { HostPath } from "../model/HostPath.ts"
import type { HostAction } from "./Action.ts"
import * as Change from "./Change.ts"
import * as Journal from "./Journal.ts"
import { put, type Step, step } from "./Plan.ts"

const because = "an interrupted run left it behind"

/** The steps that take temporary files away. */
export const steps = (facts: FactsOf.Facts): ReadonlyArray<Step<HostAction>> =>
  facts.leftovers.flatMap((path) => {
    const before = FactsOf.at(facts, path)
    return before._tag === "File" || before._tag === "Link"
      ? [put(Change.make(path, before, FileState.absent), because)]
      : []
  })

/** The step that empties the staging directory; an install does that by itself before it unpacks. */
export const staging = (facts: FactsOf.Facts): ReadonlyArray<Step<HostAction>> =>
  facts.ledger._tag === "Recovered"
    ? [
        step(
          {
            _tag: "RemoveTree",
            root: TemporaryPlace.staging(facts.stateDir),
            entries: "everything",
            reserved: [],
          } as const,
          because,
        ),
      ]
    : []

/** The state directory's own directories, which a run makes before it can write down that it did. */
export const ofState = (stateDir: HostPath): ReadonlyArray<HostPath> => [
  Journal.directoryIn(stateDir),
  TemporaryPlace.staging(stateDir),
  stateDir,
]

/** The step that removes them; none where the state directory is not there, for then nobody of us was. */
export const emptyDirectories = (
  facts: FactsOf.Facts,
  installDir: HostPath,
): ReadonlyArray<Step<HostAction>> =>
  FactsOf.at(facts, facts.stateDir)._tag === "Directory"
    ? [step({ _tag: "Prune", directories: [...ofState(facts.stateDir), installDir] } as const, because)]
    : []
