/**
 * Looks at what an interrupted run left behind: journals of stages that were cut off, and temporary files. What such a
 * stage may have put on the host counts as ours. Source: architecture "Failure", law L10.
 */
import { Effect, Result } from "effect"
import * as TemporaryPlace from "../decide/TemporaryPlace.ts"
import type { LedgerFact } from "../input/Facts.ts"
import * as FileState from "../model/FileState.ts"
import * as HostPath from "../model/HostPath.ts"
import * as Journal from "../plan/Journal.ts"
import type { Ledger } from "../plan/Ledger.ts"
import { HostFiles } from "../ports/HostFiles.ts"

/** The ledger together with what an interrupted run did beyond it. */
export interface Recovered {
  readonly ledger: LedgerFact
  readonly leftovers: ReadonlyArray<HostPath.HostPath>
}

interface Found {
  readonly journals: ReadonlyArray<Journal.Journal>
  /** Why a journal that is there could not be read. */
  readonly unreadable: string | undefined
}

const journalsIn = Effect.fnUntraced(function* (stateDir: HostPath.HostPath) {
  const files = yield* HostFiles
  const found: Array<Journal.Journal> = []
  for (const stage of Journal.stages) {
    const path = Journal.pathIn(stateDir, stage)
    const state = yield* files.look(path)
    if (state._tag === "Absent") continue
    const journal = state._tag === "File" ? Result.getOrUndefined(Journal.decode(state.text)) : undefined
    if (journal === undefined)
      return { journals: found, unreadable: `the journal ${path} cannot be read` } satisfies Found
    found.push(journal)
  }
  return { journals: found, unreadable: undefined } satisfies Found
})

/** The journal of the last CRI stage, done or half-done. */
export const lastCriStage = Effect.fn("Recovery.lastCriStage")(function* (stateDir: HostPath.HostPath) {
  const { journals } = yield* journalsIn(stateDir)
  return journals.find((journal) => journal.stage === "cri")
})

const leftoversOf = Effect.fnUntraced(function* (
  begun: ReadonlyArray<Journal.Journal>,
  stateDir: HostPath.HostPath,
) {
  const files = yield* HostFiles
  // Ledger and journals are written by no step that a journal could tell of.
  const ours = [stateDir, TemporaryPlace.staging(stateDir)]
  const places = new Set([...ours, ...begun.flatMap((journal) => journal.temporaryIn)])
  const found: Array<HostPath.HostPath> = []
  for (const place of places) {
    const listing = yield* files.list(place)
    const names = listing._tag === "Names" ? listing.names.filter(Journal.isTemporary) : []
    found.push(...names.map((name) => HostPath.join(place, name)))
  }
  return found
})

/** Takes interrupted stages into account. A journal that cannot be read makes the ledger unreadable: never "nothing". */
export const recover = Effect.fn("Recovery.recover")(function* (
  stateDir: HostPath.HostPath,
  ledger: LedgerFact,
): Effect.fn.Return<Recovered, never, HostFiles> {
  const { journals, unreadable } = yield* journalsIn(stateDir)
  if (unreadable !== undefined) return { ledger: { _tag: "Unreadable", why: unreadable }, leftovers: [] }
  const begun = journals.filter((journal) => journal.state === "begun")
  const leftovers = yield* leftoversOf(begun, stateDir)
  if (begun.length === 0 || ledger._tag === "Unreadable") return { ledger, leftovers }
  const files = yield* HostFiles
  const paths = [...new Set(begun.flatMap((journal) => journal.changes.map((change) => change.path)))]
  const states = new Map<HostPath.HostPath, FileState.FileState>()
  for (const path of paths) states.set(path, yield* files.look(path))
  const look = (path: HostPath.HostPath) => states.get(path) ?? FileState.absent
  const known = ledger._tag === "None" ? undefined : ledger.ledger
  const whole = begun.reduce<Ledger | undefined>(
    (sum, journal) => Journal.recovered(sum, journal, look),
    known,
  )
  return {
    ledger:
      whole === undefined
        ? ledger
        : { _tag: "Recovered", ledger: whole, stages: begun.map((journal) => journal.stage) },
    leftovers,
  }
})
